/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: the one table of all settings, joined from the modules that read them.
 *
 * It makes the command line, the environment, the configuration file, --help and docs/config.md.
 */
#pragma once

#include "base/setting.h"

/* Groups of rows: a command takes the flags of some. */
enum config_group {
	GROUP_SYNC = 1 << 0,
	GROUP_RELOAD_HTTP = 1 << 1,
	GROUP_RELOAD_SIGNAL = 1 << 2,
	GROUP_RELOAD_PROCESS = 1 << 3,
	GROUP_RELOAD_TRY = 1 << 4,
	GROUP_RELOAD_RETRY = 1 << 5,
	GROUP_RELOAD_DEADLINE = 1 << 6,
	GROUP_SERVE = 1 << 7,
	GROUP_LISTEN = 1 << 8,
	GROUP_DEADLINE = 1 << 9,
	GROUP_ON_DEADLINE = 1 << 10,
	GROUP_LOCK = 1 << 11,
	GROUP_JSON = 1 << 12,
	GROUP_INTERNAL = 1 << 13,
	GROUP_GENERAL = 1 << 14,
	GROUP_WATCH = 1 << 15,
	GROUP_LABEL = 1 << 16,
	GROUP_FORCE = 1 << 17,
	GROUP_EXPLAIN = 1 << 18,
	GROUP_TARGET = 1 << 19,
	GROUP_RELOAD_TRIGGER = 1 << 20,
	GROUP_RELOAD_PROOF = 1 << 21,
	GROUP_RELOAD_GAME = 1 << 22,
	GROUP_WATCH_SOURCE = 1 << 23,
	GROUP_WATCH_CONTENT = 1 << 24,
	GROUP_PROBE = 1 << 25,
	GROUP_PROBE_SERVE = 1 << 26,
	GROUP_PROBE_ASK = 1 << 27,
	GROUP_PROBE_EXPLAIN = 1 << 28,
	GROUP_DRAINED = 1 << 29,
	GROUP_PRE_STOP = 1 << 30,
};

struct config_row {
	const struct setting *setting;
	enum config_group group;
	size_t values; /* offset in struct config of the struct that the row's offset is in */
};

/* The row at index in *ret; false after the last. */
bool config_row(size_t index, struct config_row *ret);

/* The index of a setting by its name; rows that are not for people are not found. */
bool config_find(const char *name, size_t *ret);

/* "GS_SIDECAR_RELOAD_URL", on the heap. */
char *config_variable(const struct setting *setting);
#define CONFIG_VARIABLE_PREFIX "GS_SIDECAR_"

#define CONFIG_STANDARD_FILE "/etc/gs-sidecar.json"
