/* SPDX-License-Identifier: Apache-2.0 */
/* proof: see proof.h. */
#include "reloader/proof.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/http_client.h"
#include "base/io.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/process_set.h"
#include "base/text.h"
#include "reloader/probes.h"
#include "reloader/settings.h"
#include "reloader/trigger.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PAUSE_FIRST_MS 10
#define PAUSE_MOST_MS 1000
#define LOOK_MOST_MS 2000 /* one answer may take so long */
#define TEXT_MOST ((size_t)64 * 1024)

struct proof {
	struct loop *loop;
	const struct reload_settings *settings;
	const struct reload_probes *probes;
	char *name;
	struct http_client *client; /* NULL: not by HTTP */
	struct http_call *call;
	struct stat file;             /* as it was before */
	struct process_set processes; /* the same */
	struct err processes_unknown; /* why they could not be listed */
	struct trigger_key key;
	struct loop_timer timer;
	struct err last; /* why it was not proven when it was looked for last */
	int64_t answered, end, pause_ms;
	void (*on_end)(void *owner, const struct err *why);
	void *owner;
};

/* ---- what is looked for ---- */

/* A letter of what is filled in, so that it means itself in a pattern or a URL (RFC 3986, 2.3). */
static void add_letter(struct buf *b, unsigned char letter, bool for_pattern)
{
	if (for_pattern)
		(void)buf_add_format(b, "%s%c", strchr("*?[\\", letter) ? "\\" : "", letter);
	else if (isalnum(letter) || strchr("-._~", letter))
		(void)buf_add(b, &letter, 1);
	else
		(void)buf_add_format(b, "%%%02X", letter);
}

/* The text with {digest} and {version} filled in, on the heap; NULL with e when one is not known.
 */
static char *filled_in(const struct proof *p, const char *text, bool for_pattern, struct err *e)
{
	owned_buf b = BUF_INIT(TEXT_MOST);
	const char *value;

	for (; *text; text++) {
		if (text_starts(text, "{digest}")) {
			value = p->key.digest;
			text += strlen("{digest}") - 1;
		} else if (text_starts(text, "{version}")) {
			value = p->key.version;
			text += strlen("{version}") - 1;
		} else {
			(void)buf_add(&b, text, 1);
			continue;
		}
		/* Filled in with nothing it would fit everything. */
		if (!*value) {
			(void)err_set(e, ERR_USAGE,
				      value == p->key.digest
					      ? "{digest} is not known"
					      : "{version} is not known: no label is set");
			return NULL;
		}
		for (; *value; value++)
			add_letter(&b, (unsigned char)*value, for_pattern);
	}
	return buf_take(&b);
}

/* Whether text, without blanks around it, is what is wanted; why not in e. */
static int compare(const struct proof *p, const char *where, const char *text, struct err *e)
{
	owned char *wanted = filled_in(p, p->settings->prove_value, true, e);
	size_t length;

	if (!wanted)
		return -1;
	text += strspn(text, " \t\r\n");
	for (length = strlen(text); length && strchr(" \t\r\n", text[length - 1]);)
		length--;
	owned char *trimmed = mem_copy_part(text, length);
	if (pattern_fits_line(wanted, trimmed))
		return 0;
	return err_set(e, ERR_REMOTE, "%s is '%.80s', expected '%s'", where, trimmed, wanted);
}

static int compare_json(const struct proof *p, const char *body, struct err *e)
{
	struct json *j = json_read(body, e);
	const struct json *value = j ? json_at(j, p->settings->prove_json) : NULL;
	int status = -1;

	if (value) {
		owned char *printed = json_print(value, false);

		status = compare(p, p->settings->prove_json,
				 json_text(value) ? json_text(value) : printed, e);
	} else if (j) {
		(void)err_set(e, ERR_REMOTE, "the answer has no %s", p->settings->prove_json);
	}
	json_free(j);
	return status;
}

static int judge_answer(const struct proof *p, const struct http_result *result, struct err *e)
{
	const struct reload_settings *s = p->settings;

	if (!result->status) {
		*e = result->e;
		return -1;
	}
	if (result->status < s->prove_expect.least || result->status > s->prove_expect.most)
		return err_set(e, ERR_REMOTE, "it answered %d, expected %d-%d", result->status,
			       s->prove_expect.least, s->prove_expect.most);
	if (s->prove_json)
		return compare_json(p, result->body.data, e);
	return s->prove_value ? compare(p, "the answer", result->body.data, e) : 0;
}

static int judge_file(const struct proof *p, struct err *e)
{
	const char *path = p->settings->prove_file;
	owned_buf text = BUF_INIT(TEXT_MOST);
	struct stat now;

	/* The game could put a pipe there, which is waited at, or a link to what it may not read.
	 */
	if (p->settings->prove_value)
		return io_read_regular(AT_FDCWD, path, &text, e) < 0
			       ? -1
			       : compare(p, path, text.data, e);
	if (stat(path, &now) < 0)
		return err_sys(e, "look at '%s'", path);
	if (now.st_ino == p->file.st_ino && now.st_size == p->file.st_size &&
	    now.st_mtim.tv_sec == p->file.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == p->file.st_mtim.tv_nsec)
		return err_set(e, ERR_REMOTE, "'%s' is as it was before the reload", path);
	return 0;
}

static int list_processes(const struct proof *p, struct process_set *ret, struct err *e)
{
	owned_fd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret = (struct process_set){ 0 };
	return proc < 0 ? err_sys(e, "open /proc")
			: process_set_take(proc, p->settings->prove_process, ret, e);
}

static int judge_processes(const struct proof *p, struct err *e)
{
	struct process_set now;
	bool new;

	if (p->processes_unknown.kind != ERR_NONE) {
		*e = p->processes_unknown;
		return -1;
	}
	if (list_processes(p, &now, e) < 0)
		return -1;
	new = process_set_has_new(&p->processes, &now);
	process_set_done(&now);
	return new ? 0
		   : err_set(e, ERR_REMOTE, "no new process matches '%s'",
			     p->settings->prove_process);
}

static int judge_probe(const struct proof *p, struct err *e)
{
	const char *name = p->settings->prove_probe;
	struct reload_verdict v = p->probes->ask(p->probes->owner, name);

	if (v.seen_from < p->answered)
		return err_set(e, ERR_REMOTE, "the probe %s has not looked at all since the reload",
			       name);
	if (p->settings->prove_value && v.known)
		return compare(p, name, v.word, e);
	return v.pass ? 0 : err_set(e, ERR_REMOTE, "the probe %s fails, with '%s'", name, v.word);
}

/* ---- looking ---- */

static void take_look(struct proof *p, int status, const struct err *e)
{
	struct err why;
	int64_t left = p->end - clock_ms();
	char span[CLOCK_TEXT_SIZE];

	if (status == 0) {
		p->on_end(p->owner, NULL);
		return;
	}
	/* An answer has no time at the very end: the look before saw more. */
	if (left > 0 || !p->client || p->last.kind == ERR_NONE)
		p->last = *e;
	if (left > 0) {
		loop_timer_start(p->loop, &p->timer, p->pause_ms < left ? p->pause_ms : left);
		p->pause_ms = p->pause_ms * 2 < PAUSE_MOST_MS ? p->pause_ms * 2 : PAUSE_MOST_MS;
		return;
	}
	(void)err_set(&why, ERR_DEADLINE, "not proven within %s: %s",
		      clock_span(p->settings->prove_within, span), p->last.text);
	p->on_end(p->owner, &why);
}

static void on_answer(void *owner, const struct http_result *result)
{
	struct proof *p = owner;
	struct err e = { 0 };

	p->call = NULL;
	int status = judge_answer(p, result, &e);
	take_look(p, status, &e);
}

static void ask(struct proof *p)
{
	int64_t left = p->end - clock_ms();
	struct err e = { 0 };
	owned char *url = filled_in(p, p->settings->prove_url, false, &e);
	const struct http_plan plan = {
		.url = url,
		.ca_file = p->settings->ca_file,
		.connect_ms = p->settings->connect_timeout,
		.total_ms = left < 1              ? 1
			    : left < LOOK_MOST_MS ? left
						  : LOOK_MOST_MS,
		.body_most = TEXT_MOST,
	};

	p->call = url ? http_call_start(p->client, &plan, on_answer, p, &e) : NULL;
	if (!p->call)
		take_look(p, -1, &e);
}

static void on_timer(struct loop_timer *t)
{
	struct proof *p = t->owner;
	struct err e = { 0 };

	if (p->client) {
		ask(p);
		return;
	}
	int status = p->settings->prove_file    ? judge_file(p, &e)
		     : p->settings->prove_probe ? judge_probe(p, &e)
						: judge_processes(p, &e);
	take_look(p, status, &e);
}

void proof_before(struct proof *p)
{
	const char *file = p->settings->prove_file;

	p->file = (struct stat){ 0 };
	if (file)
		(void)stat(file, &p->file);
	process_set_done(&p->processes);
	p->processes_unknown = (struct err){ 0 };
	if (p->settings->prove_process)
		(void)list_processes(p, &p->processes, &p->processes_unknown);
}

void proof_begin(struct proof *p, const struct trigger_key *key,
		 void (*on_end)(void *owner, const struct err *why), void *owner)
{
	p->key = *key;
	p->on_end = on_end;
	p->owner = owner;
	p->answered = clock_ms();
	p->end = p->answered + p->settings->prove_within;
	p->pause_ms = PAUSE_FIRST_MS;
	p->last = (struct err){ 0 };
	loop_timer_start(p->loop, &p->timer, 0);
}

void proof_cancel(struct proof *p)
{
	loop_timer_stop(p->loop, &p->timer);
	if (p->call)
		http_call_cancel(p->call);
	p->call = NULL;
}

const char *proof_name(const struct proof *p)
{
	return p->name;
}

static char *name_of(const struct reload_settings *s)
{
	if (s->prove_file)
		return mem_format("file '%s'", s->prove_file);
	if (s->prove_process)
		return mem_format("new processes '%s'", s->prove_process);
	if (s->prove_probe)
		return mem_format("probe %s", s->prove_probe);
	owned char *url = setting_url_shown(s->prove_url);
	return mem_format("GET %s", url);
}

int proof_new(struct loop *l, const struct reload_settings *s, const struct reload_probes *probes,
	      struct proof **ret, struct err *e)
{
	*ret = NULL;
	if (!s->prove_url && !s->prove_file && !s->prove_process && !s->prove_probe)
		return 0;
	struct http_client *client = s->prove_url ? http_client_new(l, e) : NULL;
	if (s->prove_url && !client)
		return -1;
	struct proof *p = mem_alloc(sizeof(*p));
	p->loop = l;
	p->settings = s;
	p->probes = probes;
	p->client = client;
	p->name = name_of(s);
	p->timer = (struct loop_timer){ .on_time = on_timer, .owner = p };
	*ret = p;
	return 0;
}

void proof_free(struct proof *p)
{
	if (!p)
		return;
	proof_cancel(p);
	http_client_free(p->client);
	process_set_done(&p->processes);
	free(p->name);
	free(p);
}
