/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drained: the probe that is ready to be used as it stands: may this server, which OKG wants to
 * delete, be let go?
 *
 *   done      it is in PreDelete and nobody is left: the only one that passes
 *   draining  it is in PreDelete, and players are left
 *   serving   it is not in PreDelete
 *   unknown   it cannot be told
 */
#pragma once

#include "base/list.h"
#include "base/setting.h"

#define DRAINED_NAME "drained"

struct err;
struct probe_settings;

struct drained_settings {
	char *state_file; /* NULL: whatever the state is */
	struct list tcp_port;
	struct list except;
	char *prometheus, *query;
	int empty; /* enum source_empty */
};

extern const struct setting_group drained_rows;

/* Whether any of them is set. */
bool drained_wanted(const struct drained_settings *s);

/* ERR_USAGE: half of them, or nothing to count by. */
int drained_check(const struct drained_settings *s, struct err *e);

/* Its sources and rules, added to *ret. */
void drained_write(const struct drained_settings *s, struct probe_settings *ret);
