/* SPDX-License-Identifier: Apache-2.0 */
/* hex: bytes as hexadecimal digits, two for each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* In lower case, with a zero byte behind them; returns text, which has room for 2 * count + 1. */
const char *hex_text(const unsigned char *bytes, size_t count, char *text);

/* Exactly 2 * count digits, in either case, or false, and bytes stay as they are. */
bool hex_parse(const char *text, unsigned char *bytes, size_t count);
