/* SPDX-License-Identifier: Apache-2.0 */
/* What an S3 server lists, whatever it sends. */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "fetch/s3_list.h"

static int take(void *owner, const struct s3_object *o, struct err *e)
{
	(void)e;
	(*(unsigned *)owner)++;
	MUST(o->key && *o->key && strlen(o->key) <= S3_KEY_MOST);
	MUST(o->etag && strlen(o->etag) <= S3_KEY_MOST);
	MUST(o->size >= 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* It is changed in its place, and is only as long as that. */
	char *text = (char *)guard_text(data, size);
	struct s3_page page;
	struct err e = { 0 };
	unsigned objects = 0;

	if (!text)
		return 0;
	if (s3_list_read(text, take, &objects, &page, &e) == 0)
		MUST(!page.more || (page.token && *page.token));
	else
		MUST(e.kind == ERR_REMOTE && e.text[0]);
	free(page.token);
	return 0;
}
