/* SPDX-License-Identifier: Apache-2.0 */
/* options: the words behind a command, by its rows of settings; what is no option is a word. */
#pragma once

#include "base/log.h"
#include "fetch/commands.h"

struct options {
	const char *words[WORDS_MOST];
	size_t count;
	int log_format; /* enum log_format */
	bool help;
	void *values; /* of the command's rows */
};

/* ERR_USAGE saying what is wrong. *ret is to be given back in both cases. */
int options_read(const struct fetch_command *c, char **arguments, struct options *ret,
		 struct err *e);
void options_done(const struct fetch_command *c, struct options *o);

/* --log-format, which every command has. */
extern const struct setting_group options_of_all;
