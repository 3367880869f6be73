/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number: decimal numbers as readings have them, "3", "-0.5", "1e6".
 *
 * Not what strtod(3) takes besides: no blanks, no hex, no infinity, no NaN, nothing behind it.
 */
#pragma once

#include <stdbool.h>

bool number_parse(const char *text, double *ret);

/* Shortest that says the same: "3", "0.25"; returns text. */
#define NUMBER_TEXT_SIZE 32
const char *number_text(double number, char text[NUMBER_TEXT_SIZE]);
