/* SPDX-License-Identifier: Apache-2.0 */
/* settings: see settings.h. */
#include "reloader/settings.h"

#include "base/err.h"
#include "base/parse.h"
#include "base/sockets.h"
#include "reloader/trigger_list.h"

#include <string.h>

#define AT(field) offsetof(struct reload_settings, field)

static const struct setting http_rows[] = {
	{ .name = "reload-url",
	  .value = "URL",
	  .type = SETTING_URL,
	  .offset = AT(url),
	  .help = "Reload by an HTTP request to this URL. Passwords and queries in it are never "
		  "shown." },
	{ .name = "reload-socket",
	  .value = "ADDRESS",
	  .type = SETTING_ADDRESS,
	  .offset = AT(socket),
	  .help = "Where to connect to instead of to the URL's host: `unix:PATH`, for pods on "
		  "the host's network, where ports are shared." },
	{ .name = "reload-method",
	  .value = "NAME",
	  .type = SETTING_TEXT,
	  .offset = AT(method),
	  .standard = "POST",
	  .help = "Its method." },
	{ .name = "reload-header",
	  .value = "'NAME: VALUE'",
	  .type = SETTING_LIST,
	  .offset = AT(headers),
	  .check = parse_header,
	  .secret = true,
	  .help = "A header to add to it; may be given several times." },
	{ .name = "reload-body",
	  .value = "TEXT",
	  .type = SETTING_TEXT,
	  .offset = AT(body),
	  .secret = true,
	  .help = "Its body." },
	{ .name = "reload-expect",
	  .value = "STATUS",
	  .type = SETTING_STATUS,
	  .offset = AT(expect),
	  .standard = "200-299",
	  .help = "The HTTP status, or range of them, that means: reloaded." },
	{ .name = "reload-connect-timeout",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(connect_timeout),
	  .standard = "2s",
	  .help = "How long a connection may take to open, name lookup included." },
	{ .name = "reload-ca-file",
	  .value = "FILE",
	  .type = SETTING_TEXT,
	  .offset = AT(ca_file),
	  .help = "Certificates (PEM) to trust for https. Not set: the system's." },
};
const struct setting_group reload_http_rows = SETTING_GROUP(http_rows);

static const struct setting signal_rows[] = {
	{ .name = "reload-signal",
	  .value = "NAME",
	  .type = SETTING_SIGNAL,
	  .offset = AT(signal),
	  .help = "Reload by this signal, such as HUP." },
};
const struct setting_group reload_signal_rows = SETTING_GROUP(signal_rows);

static const struct setting process_rows[] = {
	{ .name = "reload-process",
	  .value = "PATTERN",
	  .type = SETTING_TEXT,
	  .offset = AT(process),
	  .help = "The process to signal: a program's exact name (nginx), its path "
		  "(/usr/sbin/nginx), `argv:` and a pattern for the whole command line "
		  "(`argv:* server.js`), or `pidfile:` and a path. For a process of another "
		  "container the pod has to share its process namespace." },
	{ .name = "reload-command",
	  .value = "WORD",
	  .type = SETTING_LIST,
	  .offset = AT(command),
	  .help = "Reload by running a program; given once for each word of its command line. No "
		  "shell is involved." },
};
const struct setting_group reload_process_rows = SETTING_GROUP(process_rows);

static const struct setting try_rows[] = {
	{ .name = "reload-timeout",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(timeout),
	  .standard = "30s",
	  .help = "How long one try may take: the whole answer, or the whole command." },
};
const struct setting_group reload_try_rows = SETTING_GROUP(try_rows);

static const struct setting retry_rows[] = {
	{ .name = "reload-backoff",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(backoff),
	  .standard = "5s",
	  .help = "The longest pause between tries. They begin short and grow; while nothing "
		  "listens yet they stay short." },
};
const struct setting_group reload_retry_rows = SETTING_GROUP(retry_rows);

static const struct setting deadline_rows[] = {
	{ .name = "reload-deadline",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(deadline),
	  .standard = "5m",
	  .help = "How long a version's reload is tried. After it the reload counts as refused and "
		  "the container stays unready; a new version, a restart or `gs-sidecar reload` "
		  "tries again." },
};
const struct setting_group reload_deadline_rows = SETTING_GROUP(deadline_rows);

static const struct setting trigger_rows[] = {
	{ .name = "trigger",
	  .value = "JSON",
	  .type = SETTING_LIST,
	  .offset = AT(triggers),
	  .check = trigger_list_check_item,
	  .objects = true,
	  .secret = true,
	  .help = "One of several triggers, which are run in this order: a JSON object with the "
		  "settings of one without `reload-`, such as `{\"url\": "
		  "\"http://127.0.0.1:3000/reload\"}`. In the file a list of such objects." },
};
const struct setting_group reload_trigger_rows = SETTING_GROUP(trigger_rows);

static const struct setting proof_rows[] = {
	{ .name = "prove-url",
	  .value = "URL",
	  .type = SETTING_URL,
	  .offset = AT(prove_url),
	  .help = "What is asked by GET, after a reload was answered, until it proves it. "
		  "`{digest}` and `{version}` (the label) in it are filled in." },
	{ .name = "prove-expect",
	  .value = "STATUS",
	  .type = SETTING_STATUS,
	  .offset = AT(prove_expect),
	  .standard = "200-299",
	  .help = "The HTTP status, or range of them, that proves." },
	{ .name = "prove-json",
	  .value = "POINTER",
	  .type = SETTING_TEXT,
	  .offset = AT(prove_json),
	  .help = "Where in the answer, which is JSON then, `prove-value` has to be: a JSON "
		  "pointer such as `/game/version`." },
	{ .name = "prove-value",
	  .value = "PATTERN",
	  .type = SETTING_TEXT,
	  .offset = AT(prove_value),
	  .help = "What the answer, the value in it or the file has to be, without blanks "
		  "around it, or the probe's word: a text with `{digest}`, `{version}` and `*`." },
	{ .name = "prove-file",
	  .value = "PATH",
	  .type = SETTING_TEXT,
	  .offset = AT(prove_file),
	  .help = "A file that the game writes when it has reloaded: with `prove-value` in it, "
		  "or, without one, newer than the reload." },
	{ .name = "prove-process",
	  .value = "PATTERN",
	  .type = SETTING_TEXT,
	  .offset = AT(prove_process),
	  .help = "Processes of which a reload starts new ones, as in `reload-process`." },
	{ .name = "prove-probe",
	  .value = "NAME",
	  .type = SETTING_TEXT,
	  .offset = AT(prove_probe),
	  .help = "A probe of `run` that says, of what it has looked at since the reload, the "
		  "word `prove-value` or, without one, that it passes." },
	{ .name = "prove-within",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(prove_within),
	  .standard = "10s",
	  .help = "How long after the answer the proof may come. Without it the version counts as "
		  "unproven, and the container stays unready." },
};
const struct setting_group reload_proof_rows = SETTING_GROUP(proof_rows);

static const char *const failures[] = { "keep", "rollback", NULL };
static const char *const whens[] = { "now", "idle", NULL };

static int check_port(const char *text, struct err *e)
{
	int64_t port;

	return parse_count(text, 1, 65535, &port, e);
}

static const struct setting game_rows[] = {
	{ .name = "reload-failed",
	  .value = "WHAT",
	  .type = SETTING_CHOICE,
	  .offset = AT(on_failure),
	  .standard = "keep",
	  .choices = failures,
	  .help = "What a reload that was refused or not proven means. keep: the files stay, the "
		  "container stays unready. rollback: back to the last version that was "
		  "acknowledged, which is reloaded; the failed one is not tried again." },
	{ .name = "reload-when",
	  .value = "WHEN",
	  .type = SETTING_CHOICE,
	  .offset = AT(when),
	  .standard = "now",
	  .choices = whens,
	  .help = "now, or idle: as soon as nobody is connected to a `game-tcp`, or as "
		  "`reload-idle-probe` says so." },
	{ .name = "reload-idle-probe",
	  .value = "NAME",
	  .type = SETTING_TEXT,
	  .offset = AT(idle_probe),
	  .help = "With `reload-when` idle: the probe of `run` that knows, instead of the "
		  "connections to `game-tcp`." },
	{ .name = "reload-idle-word",
	  .value = "WORD",
	  .type = SETTING_TEXT,
	  .offset = AT(idle_word),
	  .help = "What it says when the game is idle. Not set: that it passes." },
	{ .name = "reload-idle-or-after",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(idle_or_after),
	  .standard = "0s",
	  .help = "With `reload-when` idle: reload after this long all the same. 0s: never." },
	{ .name = "reload-spread",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(spread),
	  .standard = "0s",
	  .help = "The time in which a fleet reloads: each pod has its own moment in it, by its "
		  "name." },
	{ .name = "pod-name",
	  .value = "NAME",
	  .type = SETTING_TEXT,
	  .offset = AT(pod_name),
	  .help = "The pod's name, for `reload-spread`. Not set: the host's name, which on a host "
		  "network is the node's." },
	{ .name = "game-tcp",
	  .value = "PORT",
	  .type = SETTING_LIST,
	  .offset = AT(game_tcp),
	  .check = check_port,
	  .help = "A TCP port that players connect to; may be given several times." },
	{ .name = "game-loopback",
	  .type = SETTING_FLAG,
	  .offset = AT(game_loopback),
	  .help = "Count connections from within the pod too: of players who come through a proxy "
		  "in it." },
	{ .name = "cut-within",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(cut_within),
	  .standard = "5s",
	  .help = "How long after a reload the connections to a `game-tcp` that were there before "
		  "it count as cut by it when they end." },
	{ .name = "cut-limit",
	  .value = "N",
	  .type = SETTING_COUNT,
	  .offset = AT(cut_limit),
	  .standard = "1000000000",
	  .help = "A version whose reload cuts more connections is harmful: the container becomes "
		  "unready, which stops a roll-out." },
};
const struct setting_group reload_game_rows = SETTING_GROUP(game_rows);

static int check_proof(const struct reload_settings *s, struct err *e)
{
	int channels = (s->prove_url != NULL) + (s->prove_file != NULL) +
		       (s->prove_process != NULL) + (s->prove_probe != NULL);

	if (channels > 1)
		return err_set(e, ERR_USAGE,
			       "more than one proof is set: choose one of prove-url, prove-file, "
			       "prove-process and prove-probe");
	if (s->prove_value && !s->prove_url && !s->prove_file && !s->prove_probe)
		return err_set(e, ERR_USAGE,
			       "prove-value needs prove-url, prove-file or prove-probe");
	if (s->prove_json && !(s->prove_url && s->prove_value))
		return err_set(e, ERR_USAGE, "prove-json needs prove-url and prove-value");
	if (s->prove_json && s->prove_json[0] != '/')
		return err_set(e, ERR_USAGE,
			       "prove-json: expected a JSON pointer such as /version");
	return 0;
}

int reload_settings_check_way(const struct reload_settings *s, struct err *e)
{
	if (s->url || s->signal || s->command.count || s->triggers.count)
		return 0;
	if (s->prove_url || s->prove_file || s->prove_process || s->prove_probe || s->spread ||
	    s->on_failure != RELOAD_FAILED_KEEP || s->when != RELOAD_NOW)
		return err_set(e, ERR_USAGE,
			       "reload-failed, reload-when, reload-spread and prove-... need a way "
			       "to reload: reload-url, reload-signal, reload-command or trigger");
	return 0;
}

int reload_settings_check(const struct reload_settings *s, struct err *e)
{
	if (trigger_list_check(s, e) < 0 || check_proof(s, e) < 0)
		return -1;
	if (!s->deadline)
		return err_set(e, ERR_USAGE, "reload-deadline: expected more than 0s");
	if (s->game_tcp.count > SOCKETS_PORTS_MOST)
		return err_set(e, ERR_USAGE, "game-tcp: more than %d ports", SOCKETS_PORTS_MOST);
	if (s->when == RELOAD_IDLE && !s->game_tcp.count && !s->idle_probe)
		return err_set(e, ERR_USAGE,
			       "reload-when idle needs game-tcp, where players connect, or "
			       "reload-idle-probe");
	if (s->idle_word && !s->idle_probe)
		return err_set(e, ERR_USAGE, "reload-idle-word needs reload-idle-probe");
	if (s->idle_probe && s->when != RELOAD_IDLE)
		return err_set(e, ERR_USAGE, "reload-idle-probe needs reload-when idle");
	if (s->idle_or_after && s->when != RELOAD_IDLE)
		return err_set(e, ERR_USAGE, "reload-idle-or-after needs reload-when idle");
	return 0;
}
