/* SPDX-License-Identifier: Apache-2.0 */
/* sync_report: see sync_report.h. */
#include "sidecar/sync_report.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

char *sync_report_print(const struct sync_report *r)
{
	struct json *j = json_object();
	const struct record *p = &r->result.published;

	json_put_bool(j, "done", r->done);
	json_put_number(j, "took_ms", (double)r->took_ms);
	if (r->done) {
		json_put_bool(j, "changed", r->result.changed);
		json_put_bool(j, "held", r->result.held);
		json_put_text(j, "digest", p->digest);
		json_put_number(j, "serial", (double)p->serial);
		json_put_text(j, "at", p->at);
		json_put_text(j, "label", p->label);
		json_put_number(j, "files", (double)p->files);
		json_put_number(j, "bytes", (double)p->bytes);
		json_put_number(j, "placed", (double)r->result.placed);
		json_put_number(j, "placed_bytes", (double)r->result.placed_bytes);
		json_put_number(j, "removed", (double)r->result.removed);
		json_put_number(j, "carried", (double)r->result.carried);
		json_put_number(j, "old_trees", (double)r->result.old_trees);
	} else {
		json_put_text(j, "error", r->e.text);
		json_put_number(j, "exit_status", err_exit_status(&r->e));
	}
	if (r->fetched)
		json_put(j, "fetched", json_copy(r->fetched));
	char *text = json_print(j, false);
	json_free(j);
	return text;
}

static uint64_t number_of(const struct json *j, const char *key)
{
	return json_count(json_get(j, key));
}

static void copy_text(const struct json *j, const char *key, char *to, size_t room)
{
	const char *text = json_text(json_get(j, key));

	(void)snprintf(to, room, "%s", text ? text : "");
}

int sync_report_read(const char *text, struct sync_report *ret, struct err *e)
{
	struct json *j = json_read(text, e);
	struct sync_report r = { 0 };

	if (!j || !json_bool(json_get(j, "done"), &r.done)) {
		json_free(j);
		return err_set(e, ERR_SYSTEM, "the sync ended without a report");
	}
	(void)json_bool(json_get(j, "changed"), &r.result.changed);
	(void)json_bool(json_get(j, "held"), &r.result.held);
	copy_text(j, "digest", r.result.published.digest, sizeof(r.result.published.digest));
	copy_text(j, "at", r.result.published.at, sizeof(r.result.published.at));
	copy_text(j, "label", r.result.published.label, sizeof(r.result.published.label));
	copy_text(j, "error", r.e.text, sizeof(r.e.text));
	r.e.kind = r.done ? ERR_NONE : err_kind_of((int)number_of(j, "exit_status"));
	r.result.published.serial = (int64_t)number_of(j, "serial");
	r.result.published.files = number_of(j, "files");
	r.result.published.bytes = number_of(j, "bytes");
	r.result.placed = number_of(j, "placed");
	r.result.placed_bytes = number_of(j, "placed_bytes");
	r.result.removed = number_of(j, "removed");
	r.result.carried = number_of(j, "carried");
	r.result.old_trees = number_of(j, "old_trees");
	r.took_ms = (int64_t)number_of(j, "took_ms");
	if (json_is_array(json_get(j, "fetched")))
		r.fetched = json_copy(json_get(j, "fetched"));
	json_free(j);
	*ret = r;
	return 0;
}

char *sync_report_say(const struct sync_report *r)
{
	const struct record *p = &r->result.published;
	/* A seal is whoever made the image's. */
	owned char *printable = text_printable(p->label);
	owned char *label = p->label[0] ? mem_format("%s, ", printable) : mem_copy("");
	char size[TEXT_SIZE_ROOM], span[CLOCK_TEXT_SIZE];

	text_size(p->bytes, size);
	clock_span(r->took_ms, span);
	if (r->result.held)
		return mem_format("held back: the sources have a version that was gone back from; "
				  "the target keeps %s (%sserial %" PRId64 ")",
				  p->digest, label, p->serial);
	if (!r->result.changed)
		return mem_format("unchanged: %s (%sserial %" PRId64 ", %" PRIu64
				  " files, %s) is what the target holds, seen in %s",
				  p->digest, label, p->serial, p->files, size, span);
	return mem_format("published %s (%sserial %" PRId64 "): %" PRIu64 " files, %s; %" PRIu64
			  " placed, %" PRIu64 " removed, in %s",
			  p->digest, label, p->serial, p->files, size, r->result.placed,
			  r->result.removed, span);
}
