/* SPDX-License-Identifier: Apache-2.0 */
/* fetch: see fetch.h. */
#include "sidecar/fetch.h"

#include "base/buf.h"
#include "base/child.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/config.h"
#include "sidecar/update.h"
#include "sync/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MOST ((size_t)1024 * 1024)

bool fetch_is_wanted(const struct list *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		if (layers_awaits(sources->items[i]))
			return true;
	return false;
}

int fetch_check_item(const char *item, struct err *e)
{
	struct json *j = layers_awaits(item) ? json_read(item, e) : NULL;
	int status = layers_awaits(item) && !j ? -1 : 0;

	if (j && !json_text(json_get(j, "name")))
		status = err_set(e, ERR_USAGE, "a source that is fetched needs a \"name\"");
	json_free(j);
	return status;
}

static char *shown(const char *source)
{
	struct err ignored;
	struct json *j = layers_awaits(source) ? json_read(source, &ignored) : NULL;
	const char *name = json_text(json_get(j, "name"));
	char *ret = mem_copy(name ? name : layers_awaits(source) ? "{...}" : source);

	json_free(j);
	return ret;
}

void fetch_shown(const struct list *sources, struct list *ret)
{
	for (size_t i = 0; i < sources->count; i++) {
		owned char *one = shown(sources->items[i]);

		list_add(ret, one);
	}
}

/* For the request, on the heap; see fetch/update.h. */
static char *update_text(const struct config *c, const struct update *u)
{
	const struct json *before = update_before(u);
	struct json *j = json_object();

	if (u->pushed)
		json_put(j, "pushed", json_copy(u->pushed));
	if (before)
		json_put(j, "before", json_copy(before));
	json_put_bool(j, "trial", u->trial || u->look);
	json_put(j, "sources", json_list(&c->fetch.update_sources));
	json_put(j, "hosts", json_list(&c->fetch.update_hosts));
	char *text = json_print(j, false);
	json_free(j);
	return text;
}

/* An open file with the request, at its begin: URLs may have secrets that no argument may show. */
static int request_file(const struct config *c, const struct update *u, struct err *e)
{
	const struct list *sources = &c->sync.sources;
	struct list objects = { 0 };

	for (size_t i = 0; i < sources->count; i++)
		if (layers_awaits(sources->items[i]))
			list_add(&objects, sources->items[i]);
	owned char *joined = list_join(&objects, ",");
	owned char *update = update_text(c, u);
	owned char *request = mem_format("{\"sources\":[%s],\"update\":%s}", joined, update);
	list_clear(&objects);
	int fd = io_memory_file(request, e);

	return fd < 0 ? err_in(e, "write down which sources to fetch") : fd;
}

static void on_exit_of(struct child *c, int status)
{
	*(int *)c->owner = status;
}

/* Its answer in b; its log lines go where ours do. The exit status, or -1 with e. */
static int ask(const char *const *argv, int request, struct buf *b, struct err *e)
{
	int ends[2], exit_status = -1;
	struct child child = { .on_exit = on_exit_of, .owner = &exit_status };

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	owned_fd from = ends[0], to = ends[1];
	const struct child_plan plan = { .argv = argv,
					 .in = request,
					 .out = to,
					 .err = STDERR_FILENO,
					 .pass = -1,
					 .dies_with_us = true };

	if (child_start(&child, &plan, e) < 0)
		return -1;
	fd_close(&to);
	int status = io_read_all(from, b, e);
	fd_close(&from);
	(void)child_await(&child, INT64_MAX);
	return status < 0 ? -1 : exit_status;
}

/* cache NULL: it only looks at the request. */
static int run_program(const struct config *c, const struct update *u, const char *cache,
		       struct buf *b, struct err *e)
{
	const char *const argv[] = { c->fetch.program,
				     "fetch",
				     "--log-format",
				     c->general.log_format ? "json" : "text",
				     cache ? "--cache" : "--check",
				     cache,
				     NULL };
	owned_fd request = request_file(c, u, e);
	sigset_t set, before;

	if (request < 0)
		return -1;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	int status = ask(argv, request, b, e);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (status >= 0)
		return status;
	if (e->sys != ENOENT)
		return err_in(e, "fetch");
	(void)err_set(
		e, ERR_USAGE,
		"a source has to be fetched, but '%s' is not there: take the image that has it, "
		"or set fetch-program",
		c->fetch.program);
	e->sys = ENOENT;
	return -1;
}

/* The answer, to be given back; NULL with e when it could not begin. */
static struct json *ask_program(const struct config *c, const struct update *u, const char *cache,
				struct err *e)
{
	owned_buf b = BUF_INIT(ANSWER_MOST);
	int status = run_program(c, u, cache, &b, e);
	struct err unreadable;

	if (status < 0)
		return NULL;
	struct json *answer = b.length ? json_read(b.data, &unreadable) : NULL;
	const char *error = json_text(json_get(answer, "error"));
	if (answer && !error)
		return answer;
	if (error)
		(void)err_set(e, err_kind_of(status), "%s", error);
	else
		(void)err_set(e, err_kind_of(status),
			      "gs-fetch ended with status %d, as it said before", status);
	json_free(answer);
	return NULL;
}

int fetch_check(const struct config *c, struct err *e)
{
	const struct update none = { .look = true };

	if (!fetch_is_wanted(&c->sync.sources) && !c->fetch.update_sources.count)
		return 0;
	struct json *answer = ask_program(c, &none, NULL, e);
	json_free(answer);
	return answer ? 0 : e->sys == ENOENT ? 1 : -1;
}

/* The directory of an answer, on the heap, and what people call it; NULL with e. */
static char *take_directory(const struct json *one, struct list *called, struct err *e)
{
	const char *name = json_text(json_get(one, "name"));
	const char *directory = json_text(json_get(one, "directory"));
	const char *error = json_text(json_get(one, "error"));

	if (!name || !directory) {
		(void)err_set(e, ERR_REMOTE, "source \"%s\": %s", name ? name : "",
			      error ? error : "gs-fetch says nothing of it");
		return NULL;
	}
	list_add(called, name);
	return mem_copy(directory);
}

/* In the order of the objects; what is left is of an update's. */
static int take_directories(struct sync_settings *settings, const struct json *answers,
			    struct err *e)
{
	struct list *sources = &settings->sources, *called = &settings->called;
	const struct json *one = json_first(answers);

	for (size_t i = 0; i < sources->count; i++) {
		if (!layers_awaits(sources->items[i])) {
			list_add(called, sources->items[i]);
			continue;
		}
		char *directory = take_directory(one, called, e);
		if (!directory)
			return -1;
		free(sources->items[i]);
		sources->items[i] = directory;
		one = json_next(one);
	}
	for (; one; one = json_next(one)) {
		owned char *directory = take_directory(one, called, e);

		if (!directory)
			return -1;
		list_add(sources, directory);
	}
	return 0;
}

int fetch_sources(struct config *c, struct update *u, struct json **ret, struct err *e)
{
	*ret = NULL;
	if (!fetch_is_wanted(&c->sync.sources) && !u->pushed && (u->look || !u->given_up))
		return 0;
	owned char *state = c->fetch.cache ? NULL : sync_state_path(&c->sync);
	owned char *in_state = state ? mem_format("%s/sources", state) : NULL;
	struct json *answer = ask_program(c, u, in_state ? in_state : c->fetch.cache, e);
	if (!answer) {
		/* Then it would never be another answer. */
		if (u->pushed && !u->trial && text_starts(e->text, "update: "))
			update_give_up(u, e->text);
		return -1;
	}
	if (json_is_array(json_get(answer, "sources")))
		*ret = json_copy(json_get(answer, "sources"));
	json_free(answer);
	return take_directories(&c->sync, *ret, e);
}
