/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a2s: A2S_INFO of Valve's server queries, which most dedicated servers on Steam answer
 * (https://developer.valvesoftware.com/wiki/Server_queries).
 *
 * What a count means is up to the game. Source counts bots as players. GoldSource does not, so from
 * its answers (the obsolete one too, or protocol 47 to 49) they are never taken away. A count is
 * one byte: of a game for more than 255 players it says nothing reliable. Players that are still
 * connecting may be missing.
 *
 * Behind the version games differ (The Ship has three bytes more), so nothing is read from there.
 */
#pragma once

#include "probe/query.h"

query_ask a2s_ask;

/* A server that takes no players at all is starting, or hides them: an error. */
query_read a2s_read;
