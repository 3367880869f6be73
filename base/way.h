/* SPDX-License-Identifier: Apache-2.0 */
/* way: the directories in which the parts of a path are looked up, through all links on it. */
#pragma once

#include <stdbool.h>

/*
 * Calls on_part for each part of the path and of the links on it, as far as they are there: it is
 * looked up as name in folder. Until on_part says false.
 */
void way_follow(const char *path,
		bool (*on_part)(void *owner, const char *folder, const char *name), void *owner);
