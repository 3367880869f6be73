/* SPDX-License-Identifier: Apache-2.0 */
/* A request is understood or refused with a word why; what is understood is within its limits. */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/text.h"
#include "fetch/request.h"
#include "fetch/source.h"

static void check_source(const struct fetch_source *s)
{
	MUST(s->name && *s->name && strlen(s->name) < 64 && !strpbrk(s->name, "/. "));
	MUST(s->kind && source_kind_called(s->kind->name) == s->kind);
	MUST(s->definition && *s->definition);
	MUST(s->timeout > 0 && s->most_bytes > 0 && s->most_files > 0 && s->most_ratio > 0);
	MUST(!s->into || fetch_path_is_sound(s->into));
	MUST(!s->subpath || fetch_path_is_sound(s->subpath));
	MUST(!s->file || fetch_path_is_sound(s->file));
	MUST(!s->git || s->git[0] != '-');
	MUST(!s->ref || s->ref[0] != '-');
	MUST(!s->rsync || s->rsync[0] != '-');
	MUST(!s->s3 || text_starts(s->s3, "s3://"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	struct fetch_request *r = text ? malloc(sizeof(*r)) : NULL;
	struct err e = { 0 };

	if (!r)
		return 0;
	if (fetch_request_read(text, r, &e) == 0) {
		MUST(r->count <= REQUEST_SOURCES_MOST);
		for (size_t i = 0; i < r->count; i++)
			check_source(&r->items[i]);
	} else {
		MUST(e.kind == ERR_USAGE && e.text[0]);
	}
	fetch_request_done(r);
	free(r);
	return 0;
}
