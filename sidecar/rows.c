/* SPDX-License-Identifier: Apache-2.0 */
/* rows: see rows.h. */
#include "sidecar/rows.h"

#include "base/mem.h"
#include "base/text.h"
#include "sidecar/config.h"

#include <ctype.h>

static const char *const log_formats[] = { "text", "json", NULL };
static const char *const log_levels[] = { "info", "warn", "error", NULL };
static const char *const on_deadlines[] = { "leave", "fail", NULL };

static const struct setting general_rows[] = {
	{ .name = "config",
	  .value = "FILE",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct general_settings, config),
	  .help = "Configuration file (JSON). Not set: `" CONFIG_STANDARD_FILE
		  "` if it is there." },
	{ .name = "log-format",
	  .value = "FORMAT",
	  .type = SETTING_CHOICE,
	  .offset = offsetof(struct general_settings, log_format),
	  .standard = "text",
	  .choices = log_formats,
	  .help = "How log lines look, on stderr: text, or json with one object a line." },
	{ .name = "log-level",
	  .value = "LEVEL",
	  .type = SETTING_CHOICE,
	  .offset = offsetof(struct general_settings, log_level),
	  .standard = "info",
	  .choices = log_levels,
	  .help = "The least important lines that are written." },
};

static const struct setting serve_rows[] = {
	{ .name = "control",
	  .value = "ADDR",
	  .type = SETTING_ADDRESS,
	  .offset = offsetof(struct serve_settings, control),
	  .help = "Where `run` is asked and told things: `unix:PATH` or a loopback `HOST:PORT`. "
		  "Not set: `control.sock` in the state directory." },
	{ .name = "update-token-file",
	  .value = "FILE",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct serve_settings, update_token_file),
	  .help = "Its first line has to come with every update to a `control` that is no unix "
		  "socket, as `Authorization: Bearer TOKEN`; once it is set, with a rollback and a "
		  "forced sync, too. It is read again each time." },
};

static const struct setting listen_rows[] = {
	{ .name = "probe-listen",
	  .value = "ADDR",
	  .type = SETTING_ADDRESS,
	  .offset = offsetof(struct serve_settings, probe),
	  .help = "Where probes are answered, read only: `HOST:PORT`, such as 0.0.0.0:8077. Not "
		  "set: nowhere." },
};

static const struct setting fetch_rows[] = {
	{ .name = "fetch-every",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct fetch_settings, every),
	  .standard = "5m",
	  .help = "How often to ask whether fetched sources have changed, a fifth sooner or later. "
		  "0s: only at the start." },
	{ .name = "fetch-cache",
	  .value = "DIR",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct fetch_settings, cache),
	  .help = "Directory for the last good copy of each, which has to survive a restart. Not "
		  "set: `sources` in the state directory." },
	{ .name = "fetch-program",
	  .value = "FILE",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct fetch_settings, program),
	  .standard = "/gs-fetch",
	  .help = "The program that fetches them." },
	{ .name = "update-sources",
	  .value = "NAME",
	  .type = SETTING_LIST,
	  .offset = offsetof(struct fetch_settings, update_sources),
	  .help = "Names of the sources that `POST /v1/update` may bring anew: fetched ones, or "
		  "others, which lie on top. Not set: no update is taken." },
	{ .name = "update-hosts",
	  .value = "HOST",
	  .type = SETTING_LIST,
	  .offset = offsetof(struct fetch_settings, update_hosts),
	  .help = "Where an update may come from besides where its source is configured to come "
		  "from: `files.example.com` by https, or `http://files.example.com:8080`." },
};

static const struct setting deadline_rows[] = {
	{ .name = "deadline",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct wait_settings, deadline),
	  .standard = "60s",
	  .help = "How long this command goes on at most." },
};

static const struct setting on_deadline_rows[] = {
	{ .name = "on-deadline",
	  .value = "WHAT",
	  .type = SETTING_CHOICE,
	  .offset = offsetof(struct wait_settings, on_deadline),
	  .standard = "leave",
	  .choices = on_deadlines,
	  .help = "What a passed deadline means. leave: exit 0, `run` goes on trying and keeps the "
		  "pod unready. fail: exit 3, so kubelet kills and restarts the container." },
};

static const struct setting lock_rows[] = {
	{ .name = "lock-wait",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct lock_settings, wait),
	  .standard = "30s",
	  .help = "How long to wait for another sidecar that has the target." },
};

static const struct setting watch_source_rows[] = {
	{ .name = "watch-source",
	  .type = SETTING_FLAG,
	  .offset = offsetof(struct source_watch_settings, on),
	  .help = "Sync again whenever the source changes." },
};

static const struct setting watch_rows[] = {
	{ .name = "watch-settle",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct source_watch_settings, settle),
	  .standard = "500ms",
	  .help = "How long what is watched has to be quiet after a change." },
	{ .name = "watch-longest",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct source_watch_settings, longest),
	  .standard = "10s",
	  .help = "How long to wait for that at most, when it is never quiet." },
	{ .name = "watch-poll",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct source_watch_settings, poll),
	  .standard = "10s",
	  .help = "How often to compare what is watched where changes are not told: on NFS, SMB, "
		  "FUSE and the like, or when inotify's limits are reached." },
};

static const struct setting explain_rows[] = {
	{ .name = "explain",
	  .value = "PATH",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct explain_settings, path),
	  .help = "Sync nothing, but tell which source PATH comes from." },
	{ .name = "dry-run",
	  .type = SETTING_FLAG,
	  .offset = offsetof(struct explain_settings, dry_run),
	  .help = "Sync nothing, but tell how much would change of what is published." },
	{ .name = "diff",
	  .type = SETTING_FLAG,
	  .offset = offsetof(struct explain_settings, diff),
	  .help = "With `dry-run`: each name that would be added (+), changed (~) or removed (-), "
		  "by source." },
};

static const struct setting ask_rows[] = {
	{ .name = "probe-timeout",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct ask_settings, timeout),
	  .standard = "800ms",
	  .help = "How long a probe waits for its answer. After it the answer is `unknown`: in "
		  "time for a timeoutSeconds of 1." },
	{ .name = "probe-direct",
	  .type = SETTING_FLAG,
	  .offset = offsetof(struct ask_settings, direct),
	  .help = "Look once, without `run`. Conditions with `for`, `samples` or `changed` are "
		  "unknown then." },
};

static const struct setting probe_explain_rows[] = {
	{ .name = "probe-explain",
	  .type = SETTING_FLAG,
	  .offset = offsetof(struct ask_settings, explain),
	  .help = "Tell all readings, and why each rule holds or not." },
};

static const struct setting pre_stop_rows[] = {
	{ .name = "probe",
	  .value = "NAME",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct pre_stop_settings, probe),
	  .help = "For `pre-stop`: the probe whose word is waited for." },
	{ .name = "until",
	  .value = "WORD",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct pre_stop_settings, until),
	  .standard = "done",
	  .help = "For `pre-stop`: that word." },
};

static const struct setting internal_rows[] = {
	{ .name = "inherited-lock",
	  .type = SETTING_COUNT,
	  .offset = offsetof(struct lock_settings, inherited) },
	{ .name = "back", .type = SETTING_TEXT, .offset = offsetof(struct lock_settings, back) },
	{ .name = "update",
	  .type = SETTING_FLAG,
	  .offset = offsetof(struct lock_settings, update) },
};

static const struct setting json_rows[] = {
	{ .name = "json", .type = SETTING_FLAG, .help = "Print JSON." },
};

#define AT(member) offsetof(struct config, member)

/* A group of another module, or rows from above. */
static const struct {
	enum config_group group;
	size_t values;
	const struct setting_group *rows;
	struct setting_group own;
} groups[] = {
	{ GROUP_TARGET, AT(sync), &sync_target_rows, { 0 } },
	{ GROUP_SYNC, AT(sync), &sync_rows, { 0 } },
	{ GROUP_SYNC, AT(fetch), NULL, SETTING_GROUP(fetch_rows) },
	{ GROUP_LABEL, AT(sync), &sync_label_rows, { 0 } },
	{ GROUP_FORCE, AT(sync), &sync_force_rows, { 0 } },
	{ GROUP_EXPLAIN, AT(explain), NULL, SETTING_GROUP(explain_rows) },
	{ GROUP_WATCH_SOURCE, AT(watch), NULL, SETTING_GROUP(watch_source_rows) },
	{ GROUP_WATCH_CONTENT, AT(watcher), &watcher_rows, { 0 } },
	{ GROUP_WATCH, AT(watch), NULL, SETTING_GROUP(watch_rows) },
	{ GROUP_RELOAD_HTTP, AT(reload), &reload_http_rows, { 0 } },
	{ GROUP_RELOAD_SIGNAL, AT(reload), &reload_signal_rows, { 0 } },
	{ GROUP_RELOAD_PROCESS, AT(reload), &reload_process_rows, { 0 } },
	{ GROUP_RELOAD_TRY, AT(reload), &reload_try_rows, { 0 } },
	{ GROUP_RELOAD_RETRY, AT(reload), &reload_retry_rows, { 0 } },
	{ GROUP_RELOAD_DEADLINE, AT(reload), &reload_deadline_rows, { 0 } },
	{ GROUP_RELOAD_TRIGGER, AT(reload), &reload_trigger_rows, { 0 } },
	{ GROUP_RELOAD_PROOF, AT(reload), &reload_proof_rows, { 0 } },
	{ GROUP_RELOAD_GAME, AT(reload), &reload_game_rows, { 0 } },
	{ GROUP_SERVE, AT(serve), NULL, SETTING_GROUP(serve_rows) },
	{ GROUP_PROBE_SERVE, AT(serve), NULL, SETTING_GROUP(listen_rows) },
	{ GROUP_LISTEN, AT(endpoint), &endpoint_rows, { 0 } },
	{ GROUP_DEADLINE, AT(wait), NULL, SETTING_GROUP(deadline_rows) },
	{ GROUP_ON_DEADLINE, AT(wait), NULL, SETTING_GROUP(on_deadline_rows) },
	{ GROUP_LOCK, AT(lock), NULL, SETTING_GROUP(lock_rows) },
	{ GROUP_PROBE, AT(probe), &probe_rows, { 0 } },
	{ GROUP_PROBE_SERVE, AT(probe), &probe_serve_rows, { 0 } },
	{ GROUP_DRAINED, AT(drained), &drained_rows, { 0 } },
	{ GROUP_PROBE_ASK, AT(ask), NULL, SETTING_GROUP(ask_rows) },
	{ GROUP_PROBE_EXPLAIN, AT(ask), NULL, SETTING_GROUP(probe_explain_rows) },
	{ GROUP_PRE_STOP, AT(pre_stop), NULL, SETTING_GROUP(pre_stop_rows) },
	{ GROUP_JSON, AT(json), NULL, SETTING_GROUP(json_rows) },
	{ GROUP_INTERNAL, AT(lock), NULL, SETTING_GROUP(internal_rows) },
	{ GROUP_INTERNAL, AT(sync), &sync_settle_rows, { 0 } },
	{ GROUP_GENERAL, AT(general), NULL, SETTING_GROUP(general_rows) },
};

bool config_row(size_t index, struct config_row *ret)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const struct setting_group *g = groups[i].rows ? groups[i].rows : &groups[i].own;

		if (index < g->count) {
			*ret = (struct config_row){ &g->rows[index], groups[i].group,
						    groups[i].values };
			return true;
		}
		index -= g->count;
	}
	return false;
}

bool config_find(const char *name, size_t *ret)
{
	struct config_row row;

	for (size_t i = 0; config_row(i, &row); i++) {
		if (row.setting->help && text_is(row.setting->name, name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

char *config_variable(const struct setting *setting)
{
	char *name = mem_format(CONFIG_VARIABLE_PREFIX "%s", setting->name);

	for (char *at = name; *at; at++)
		*at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
	return name;
}
