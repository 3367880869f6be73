/* SPDX-License-Identifier: Apache-2.0 */
/*
 * word: the result of a probe: what becomes a Kubernetes label value, so at most 63 letters,
 * digits,
 * '-', '_' and '.', with a letter or digit at both ends
 * (kubernetes.io/docs/concepts/overview/working-with-objects/labels).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define WORD_MOST 63

struct buf;
struct err;

bool word_is_safe(const char *text);

/*
 * A template: text with {NAME}s in it. -1 with e (ERR_USAGE) when it can never become a word, or
 * names what is_known does not know.
 */
int word_check(const char *template, bool (*is_known)(const char *name, void *user), void *user,
	       struct err *e);

/* Fills it in; value() is NULL for what is not known. -1 with e: that, or it is no word now. */
int word_fill(const char *template, const char *(*value)(const char *name, void *user), void *user,
	      struct buf *ret, struct err *e);
