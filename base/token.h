/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: the word that lets a client in, the first line of a file.
 *
 * The file is read anew each time: a Secret that was rotated works at once.
 */
#pragma once

#include <stdbool.h>

#define TOKEN_MOST 4096 /* bytes of the file */

struct buf;
struct err;

/* Adds the token to b, which has that limit. An empty one is an error. Waits for no pipe. */
int token_read(const char *file, struct buf *b, struct err *e);

/* 0: the header has the token of the file; 1: it has not; -1 with e: that cannot be read. */
int token_check(const char *file, const char *authorization, struct err *e);

/* Whether an Authorization header (RFC 6750, 2.1), NULL: none, has it. Takes as long either way. */
bool token_is_in(const char *authorization, const char *token);
