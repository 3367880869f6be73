/* SPDX-License-Identifier: Apache-2.0 */
/* settings: how a reload is triggered, in groups of rows that commands combine. */
#pragma once

#include "base/address.h"
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
	struct address socket; /* not set: the URL's host */

	int signal; /* or a signal, or a command */
	char *process;
	struct list command;

	int64_t timeout; /* of one try */
	int64_t deadline;
	int64_t backoff;

	struct list triggers; /* instead of the one way above: each a JSON object */

	char *prove_url; /* or a file, or new processes */
	char *prove_file;
	char *prove_process;
	char *prove_probe; /* or what a probe says */
	struct status_range prove_expect;
	char *prove_json; /* a JSON pointer, RFC 6901 */
	char *prove_value;
	int64_t prove_within;
	int on_failure; /* enum reload_on_failure */

	int when;                     /* enum reload_when */
	char *idle_probe, *idle_word; /* NULL: by game_tcp; that it passes */
	int64_t idle_or_after;
	int64_t spread;
	char *pod_name; /* NULL: the host's name */

	struct list game_tcp; /* ports */
	bool game_loopback;
	int64_t cut_within;
	int64_t cut_limit;
};

enum reload_on_failure { RELOAD_FAILED_KEEP, RELOAD_FAILED_ROLLBACK };
enum reload_when { RELOAD_NOW, RELOAD_IDLE };

/* ERR_USAGE when they do not go together. */
int reload_settings_check(const struct reload_settings *s, struct err *e);

/* ERR_USAGE when something is set that does nothing without a way to reload, and there is none. */
int reload_settings_check_way(const struct reload_settings *s, struct err *e);

extern const struct setting_group reload_http_rows;     /* url ... ca-file */
extern const struct setting_group reload_signal_rows;   /* signal */
extern const struct setting_group reload_process_rows;  /* process, command */
extern const struct setting_group reload_try_rows;      /* timeout */
extern const struct setting_group reload_retry_rows;    /* backoff */
extern const struct setting_group reload_deadline_rows; /* deadline */
extern const struct setting_group reload_trigger_rows;  /* trigger */
extern const struct setting_group reload_proof_rows;    /* prove-... */
extern const struct setting_group reload_game_rows;     /* when, spread, ports, cuts, failure */
