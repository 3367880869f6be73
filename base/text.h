/* SPDX-License-Identifier: Apache-2.0 */
/* text: small questions about strings, and making any bytes safe to show. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* NULL is no text, and like no other. */
bool text_is(const char *a, const char *b);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* Whether one of the words, with blanks between them, is word. */
bool text_has_word(const char *words, const char *word);

/*
 * The text as one line of valid UTF-8, on the heap: control bytes, backslashes and bytes that are
 * not UTF-8 (RFC 3629) become \n, \t, \\ or \xHH. File names are bytes, logs and JSON are not.
 */
char *text_printable(const char *text);

/* The text as valid UTF-8, on the heap: only bytes that are not become \xHH. For JSON. */
char *text_valid(const char *text);

/* The part of a path after the last slash. */
const char *text_last_part(const char *path);

/* Bytes as a person says them: "512 B", "1.2 MB" (powers of 1000); returns text. */
#define TEXT_SIZE_ROOM 24
const char *text_size(unsigned long long bytes, char text[TEXT_SIZE_ROOM]);
