/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: every setting of the program, from one table, in one order: flag > environment
 * (GS_SIDECAR_*) > configuration file (JSON) > default.
 *
 * A variable or key that no setting has is an error, since a typo would otherwise be a setting
 * that silently does nothing. Variables that kubelet makes for a Service called "gs-sidecar..."
 * (GS_SIDECAR_SERVICE_HOST and the like) are known and passed over.
 */
#pragma once

#include "base/address.h"
#include "base/list.h"
#include "probe/drained.h"
#include "probe/settings.h"
#include "reloader/endpoint.h"
#include "reloader/settings.h"
#include "reloader/watcher.h"
#include "sidecar/fetch.h"
#include "sidecar/rows.h"
#include "sync/sync.h"

struct command;

struct general_settings {
	char *config;
	int log_format; /* enum log_format */
	int log_level;  /* enum log_level */
};

struct serve_settings {
	struct address control; /* not set: in the state directory */
	struct address probe;
	char *update_token_file;
};

struct wait_settings {
	int64_t deadline;
	int on_deadline; /* enum on_deadline */
};
enum on_deadline { ON_DEADLINE_LEAVE, ON_DEADLINE_FAIL };

struct lock_settings {
	int64_t wait;
	int64_t inherited; /* a descriptor; 0: none */
	char *back;        /* which version to go back to; NULL: sync */
	bool update;       /* one is to be tried, on stdin */
};

struct source_watch_settings {
	bool on;
	int64_t settle, longest, poll;
};

struct explain_settings {
	char *path; /* NULL: sync */
	bool dry_run, diff;
};

struct ask_settings {
	int64_t timeout;
	bool direct, explain;
};

struct pre_stop_settings {
	char *probe, *until;
};

struct config {
	struct general_settings general;
	struct sync_settings sync;
	struct fetch_settings fetch;
	struct reload_settings reload;
	struct serve_settings serve;
	struct endpoint_settings endpoint;
	struct wait_settings wait;
	struct lock_settings lock;
	struct source_watch_settings watch;
	struct watcher_settings watcher;
	struct explain_settings explain;
	struct probe_settings probe;
	struct drained_settings drained;
	struct ask_settings ask;
	struct pre_stop_settings pre_stop;
	bool json;
	struct list operands; /* what the command line has besides flags */
	struct list origins;  /* of each row of the joined table */
	unsigned char *ranks; /* and how strong that origin is */
};

/* Which origin of a value wins over which. */
enum config_rank {
	CONFIG_RANK_DEFAULT,
	CONFIG_RANK_FILE,
	CONFIG_RANK_ENVIRONMENT,
	CONFIG_RANK_FLAG
};

/* Zero with defaults applied. */
void config_init(struct config *c);
void config_done(struct config *c);

/*
 * Reads file, environment and arguments (without program and command name) for a command. -1 with
 * e, which names the setting, where it came from and what was expected. Returns 1 when --help was
 * among the arguments.
 */
int config_load(struct config *c, const struct command *command, char **arguments,
		char **environment, struct err *e);

/* Where a row's value came from: "default", a file's name, "GS_SIDECAR_X", "--x". */
const char *config_origin(const struct config *c, const char *name);

/* What a flag is called in a command: without the command's own prefix. */
const char *config_flag_in(const struct command *command, const struct setting *setting);
