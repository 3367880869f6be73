/* SPDX-License-Identifier: Apache-2.0 */
/* settings: how a reload is triggered, in groups of rows that commands combine. */
#pragma once

#include "base/list.h"
#include "base/parse.h"
#include "base/setting.h"

#include <stdint.h>

struct reload_settings {
	char *url; /* HTTP */
	char *method;
	struct list headers;
	char *body;
	struct status_range expect;
	int64_t connect_timeout;
	char *ca_file;

	int signal; /* or a signal, or a command */
	char *process;
	struct list command;

	int64_t timeout; /* of one try */
	int64_t deadline;
	int64_t backoff;
};

extern const struct setting_group reload_http_rows;     /* url ... ca-file */
extern const struct setting_group reload_signal_rows;   /* signal */
extern const struct setting_group reload_process_rows;  /* process, command */
extern const struct setting_group reload_try_rows;      /* timeout */
extern const struct setting_group reload_retry_rows;    /* backoff */
extern const struct setting_group reload_deadline_rows; /* deadline */
