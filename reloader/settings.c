/* SPDX-License-Identifier: Apache-2.0 */
/* settings: see settings.h. */
#include "reloader/settings.h"

#include "base/err.h"

#include <string.h>

#define AT(field) offsetof(struct reload_settings, field)

/* A token (RFC 9110, 5.6.2), a colon, and a value without control characters. */
static int check_header(const char *line, struct err *e)
{
	size_t name = strcspn(line, ": \t()<>@,;\\\"/[]?={}");
	bool sound = name > 0 && line[name] == ':';

	for (; *line; line++)
		sound = sound && ((unsigned char)*line >= ' ' || *line == '\t');
	/* Its value may be secret: it is not repeated. */
	return sound ? 0 : err_set(e, ERR_USAGE, "expected a header, 'NAME: VALUE'");
}

static const struct setting http_rows[] = {
	{ .name = "reload-url",
	  .value = "URL",
	  .type = SETTING_URL,
	  .offset = AT(url),
	  .help = "Reload by an HTTP request to this URL. Passwords and queries in it are never "
		  "shown." },
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
	  .check = check_header,
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
