/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quake3: getstatus, as servers of the id Tech 3 family and DarkPlaces answer it (SVC_Status() in
 * ioquake3's code/server/sv_main.c): a line of settings, then a line for each player:
 *
 *   SCORE PING "NAME"
 *
 * Bots have a ping of 0 there. So may a player on the same machine or network have for a moment;
 * one who is connecting has 999, and is counted. Without bots only who is surely a player counts.
 */
#pragma once

#include "probe/query.h"

query_ask quake3_ask;

/* Servers end the list when their answer gets too long: nothing but bots in such a one is an error.
 */
query_read quake3_read;
