/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands: what gs-fetch can be told to do. A command is one row in main.c, and a function below,
 * in a file of its own.
 */
#pragma once

#include "base/setting.h"

#include <stddef.h>

#define WORDS_MOST 4

struct fetch_command {
	const char *name;
	const char *words; /* "ARCHIVE DIR"; as many have to be there */
	const char *summary;
	const char *text; /* more of it, for --help */
	struct setting_group options;
	/* Its exit status. words are as many as they have to be, and values those of its options.
	 */
	int (*run)(const char *const *words, const void *values);
	size_t size; /* of the values */
};

extern const struct fetch_command command_fetch, command_unpack, command_verify;
