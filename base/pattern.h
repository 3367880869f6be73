/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern: which paths a person means.
 *
 *   "*.map"     no slash: a name at any depth
 *   "js/v?.map" with a slash: a path from the root, "?" and "*" stay within one directory
 *
 * A pattern that fits a directory fits all below it. A slash at the start or end changes nothing
 * but that a leading slash anchors ("/x" is x at the root). "?", "[0-9]", "[!a]", "[[:digit:]]" and
 * "\*" mean what they mean in a shell; a leading dot is nothing special.
 *
 * Names are bytes: "?" is one byte, and any byte fits itself. fnmatch(3) would bring along what
 * Unicode knows of letters, 12 kB, and in a UTF-8 locale stumble over what is not UTF-8.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>

struct list;

/* Fails with ERR_USAGE when it could never fit, or not mean what it looks like. */
int pattern_check(const char *pattern, struct err *e);

/* For a pattern that pattern_check() took, and a relative path without a leading slash. */
bool pattern_fits(const char *pattern, const char *path);

/* Whether one of the patterns does; NULL: none. */
bool pattern_fits_one(const struct list *patterns, const char *path);

/* Any pattern, and the whole line: a slash is nothing special, a "[" that begins no set is itself.
 */
bool pattern_fits_line(const char *pattern, const char *line);
