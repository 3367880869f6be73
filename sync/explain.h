/* SPDX-License-Identifier: Apache-2.0 */
/* explain: where a name of the merged tree comes from, or why it is not there, for people. */
#pragma once

#include <stdbool.h>

struct buf;
struct merge;

/*
 * Which layer path comes from, which others have it too, what removed or left it out; some lines
 * added to b, each ended. True when the merged tree has it. The layers' trees are loaded and were
 * not merged yet; they stay as they are.
 */
bool merge_explain(const struct merge *m, const char *path, struct buf *b);
