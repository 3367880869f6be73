/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minecraft: the status ping of Minecraft's Java edition since 1.7, as the list of servers in the
 * game uses it (https://minecraft.wiki/w/Java_Edition_protocol/Server_List_Ping).
 *
 * What is counted is players.online, as the server or a proxy in front of it says: who is hidden by
 * a plug-in is not in it.
 */
#pragma once

#include "probe/query.h"

#include <stddef.h>

#define MINECRAFT_ANSWER_MOST ((size_t)256 << 10) /* 32,767 characters, says the protocol */

query_ask minecraft_ask;

/*
 * Without players.online and players.max they are hidden: an error. So is a max of 0, which a
 * server in use has not: it starts, or a plug-in hides the count.
 */
query_read minecraft_read;
