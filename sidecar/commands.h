/* SPDX-License-Identifier: Apache-2.0 */
/* commands: one row per command makes dispatch, --help and docs/config.md. */
#pragma once

#include <stdbool.h>

struct config;
struct err;

struct command {
	const char *name;
	const char *operands; /* what comes after the flags, for help; NULL: nothing may */
	const char *help;     /* one line */
	const char *teaching; /* a few lines with an example */
	unsigned groups;      /* enum config_group: which flags it has */
	const char *prefix;   /* flags of it may drop this: "reload-" in `reload --url` */
	bool runs_program;    /* operands are a program's command line */

	/* Settings that do not go together, ERR_USAGE; NULL: all do. */
	int (*check)(const struct config *c, struct err *e);
	int (*run)(struct config *c); /* the exit status */
};

/* All commands in the order of help; ends with name NULL. */
extern const struct command commands[];

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

/* Prints an error as one line and returns the exit status that belongs to it. */
int command_failed(const struct err *e);

int cmd_run(struct config *c);
int cmd_sync(struct config *c);
int cmd_reload(struct config *c);
int cmd_hook(struct config *c);
int cmd_probe(struct config *c);
int cmd_reloader(struct config *c);
int cmd_wrap(struct config *c);
int cmd_update(struct config *c);
int cmd_status(struct config *c);
int cmd_check(struct config *c);
int cmd_install(struct config *c);
int cmd_rollback(struct config *c);
int cmd_seal(struct config *c);
int cmd_verify(struct config *c);
int cmd_version(struct config *c);
int cmd_help(struct config *c);

int check_run(const struct config *c, struct err *e);
int check_sync(const struct config *c, struct err *e);
int check_reload(const struct config *c, struct err *e);
int check_hook(const struct config *c, struct err *e);
int check_probe(const struct config *c, struct err *e);
int check_reloader(const struct config *c, struct err *e);
int check_rollback(const struct config *c, struct err *e);
int check_seal(const struct config *c, struct err *e);
int check_verify(const struct config *c, struct err *e);
int check_wrap(const struct config *c, struct err *e);
