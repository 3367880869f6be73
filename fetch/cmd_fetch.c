/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_fetch: `gs-fetch fetch`, from the request on stdin to the answer on stdout. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "fetch/commands.h"
#include "fetch/request.h"
#include "fetch/result.h"
#include "fetch/turn.h"

#include <stdlib.h>
#include <unistd.h>

struct fetch_options {
	char *cache;
	bool check;
};

static const struct setting rows[] = {
	{ .name = "cache",
	  .value = "DIR",
	  .help = "where trees are kept; made if it is not there",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct fetch_options, cache) },
	{ .name = "check",
	  .help = "fetch nothing, but tell whether the request is right",
	  .type = SETTING_FLAG,
	  .offset = offsetof(struct fetch_options, check) },
};

static int fail(const struct err *e)
{
	log_error("%s", e->text);
	return err_exit_status(e);
}

/* The request is wrong: who asks by program reads that where the answer would be. */
static int refuse(const struct err *e)
{
	struct json *answer = json_object();
	struct err ignored;

	json_put_text(answer, "error", e->text);
	(void)result_print(answer, &ignored);
	json_free(answer);
	return fail(e);
}

static int print_nothing(struct err *e)
{
	struct json *result = result_new();
	int status = result_print(result, e);

	json_free(result);
	return status < 0 ? fail(e) : EXIT_DONE;
}

static int read_request(struct fetch_request *ret, struct err *e)
{
	owned_buf b = BUF_INIT(REQUEST_MOST);

	ret->count = 0;
	if (io_read_all(STDIN_FILENO, &b, e) < 0) {
		/* It is asked to say less. */
		e->kind = ERR_USAGE;
		return err_in(e, "request");
	}
	return fetch_request_read(b.data, ret, e);
}

static int64_t longest_timeout(const struct fetch_request *r)
{
	int64_t longest = 0;

	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].timeout > longest)
			longest = r->items[i].timeout;
	return longest;
}

static char *folder_name(const struct fetch_source *s)
{
	return s->pushed ? mem_format(CACHE_UPDATE "%s", s->definition) : mem_copy(s->name);
}

static int fetch_all(const char *dir, const struct fetch_request *r, struct err *e)
{
	owned_fd cache = -1;
	bool missing = false;
	struct list names = { 0 };
	int status = cache_open(dir, clock_ms() + longest_timeout(r), &cache, e);

	if (status < 0)
		return fail(e);
	struct json *result = result_new();
	for (size_t i = 0; i < r->count; i++) {
		owned char *name = folder_name(&r->items[i]);

		list_add(&names, name);
		missing |= !turn_take(cache, dir, name, &r->items[i], result);
	}
	for (size_t i = 0; i < r->kept.count; i++) {
		owned char *name = mem_format(CACHE_UPDATE "%s", r->kept.items[i]);

		list_add(&names, name);
	}
	if (!r->trial && cache_forget_updates(cache, &names, e) < 0)
		log_warn("%s", e->text);
	list_clear(&names);
	status = result_print(result, e);
	json_free(result);
	if (status < 0)
		return fail(e);
	return missing ? EXIT_REMOTE : EXIT_DONE;
}

static int run(const char *const *words, const void *values)
{
	const struct fetch_options *o = values;
	struct fetch_request *r = mem_alloc(sizeof(*r));
	struct err e = { 0 };
	int status;

	(void)words;
	if (!o->cache && !o->check)
		status = err_set(&e, ERR_USAGE,
				 "--cache is missing: the directory to keep trees in");
	else
		status = read_request(r, &e);
	if (status < 0)
		status = refuse(&e);
	else
		status = o->check ? print_nothing(&e) : fetch_all(o->cache, r, &e);
	fetch_request_done(r);
	free(r);
	return status;
}

const struct fetch_command command_fetch = {
	.name = "fetch",
	.words = "",
	.summary = "the sources that stdin says, into a cache; the answer is on stdout",
	.text = "On stdin is one JSON object:\n"
		"\n"
		"  {\"sources\": [{\"name\": \"assets\", \"http\": "
		"\"https://files.example.com/assets.tar.zst\"}]}\n"
		"\n"
		"A source is one of \"archive\", \"http\", \"s3\", \"git\", \"rsync\" and "
		"\"command\";\n"
		"docs/sources.md says what else each may have. On stdout comes what became of "
		"each:\n"
		"fetched, unchanged, stale (it cannot be had now, and the last good tree stays) "
		"or\n"
		"missing (it never could), with the directory that holds it.\n"
		"\n"
		"  gs-fetch fetch --cache /cache <sources.json\n"
		"\n"
		"Exit status: 0 every source has a directory; 5 one is missing; 2 the request is "
		"wrong;\n"
		"3 another run held the cache for too long; 4 this machine refused.\n",
	.options = SETTING_GROUP(rows),
	.run = run,
	.size = sizeof(struct fetch_options),
};
