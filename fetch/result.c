/* SPDX-License-Identifier: Apache-2.0 */
/* result: see result.h. */
#include "fetch/result.h"

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

static const char *const names[] = {
	[SOURCE_FETCHED] = "fetched",
	[SOURCE_UNCHANGED] = "unchanged",
	[SOURCE_STALE] = "stale",
	[SOURCE_MISSING] = "missing",
};

struct json *result_new(void)
{
	struct json *result = json_object();

	json_put(result, "sources", json_array());
	return result;
}

void result_add(struct json *result, const struct fetch *f, enum source_state state,
		const struct err *e)
{
	const struct cache_state *s = &f->folder->state;
	struct json *j = json_object();
	owned char *directory = cache_tree_path(f->folder);
	owned char *error = e->kind == ERR_NONE ? NULL : text_printable(e->text);

	json_put_text(j, "name", f->source->name);
	json_put_bool(j, "pushed", f->source->pushed);
	json_put_text(j, "state", names[state]);
	json_put_text(j, "directory", directory);
	json_put_text(j, "error", error);
	json_put_text(j, "version", s->version);
	json_put_text(j, "fetched_at", s->fetched_at);
	json_put_text(j, "checked_at", s->checked_at);
	json_put_number(j, "wire_bytes", (double)f->wire_bytes);
	json_put_number(j, "requests", (double)f->requests);
	/* It is an array of ours. */
	json_add((struct json *)json_get(result, "sources"), j);
}

int result_print(const struct json *result, struct err *e)
{
	owned char *object = json_print(result, false);
	owned char *text = mem_format("%s\n", object);

	if (io_write(STDOUT_FILENO, text, strlen(text)) < 0)
		return err_sys(e, "write to standard output");
	return 0;
}

void result_log(const struct fetch *f, enum source_state state, const struct err *e)
{
	const struct cache_state *s = &f->folder->state;
	const char *name = f->source->name, *version = s->version ? s->version : "?";
	char size[TEXT_SIZE_ROOM];

	(void)text_size(f->wire_bytes, size);
	if (state == SOURCE_FETCHED)
		log_info("source \"%s\": fetched, version %s, %s by network", name, version, size);
	else if (state == SOURCE_UNCHANGED && f->quiet)
		log_info("source \"%s\": it can be had again, unchanged, version %s", name,
			 version);
	else if (state == SOURCE_STALE && !f->quiet)
		log_warn("source \"%s\": %s; the last good one stays, version %s of %s", name,
			 e->text, version, s->fetched_at ? s->fetched_at : "?");
	else if (state == SOURCE_MISSING)
		log_error("source \"%s\": %s; there never was a good one", name, e->text);
}
