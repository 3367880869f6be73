/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line is a JSON pointer, the others are the document: the pointer leads to a value
 * that is one of those its front part leads to, or nowhere.
 */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdbool.h>

static bool has(const struct json *container, const struct json *value)
{
	const struct json *member = json_first(container);

	while (member && member != value)
		member = json_next(member);
	return member;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	struct err e;

	if (!text || !strchr(text, '\n'))
		return 0;
	const char *document = strchr(text, '\n') + 1;
	owned char *pointer = mem_copy_part(text, (size_t)(document - 1 - text));
	struct json *j = json_read(document, &e);
	if (!j)
		return 0;
	const struct json *value = json_at(j, pointer);
	char *last = strrchr(pointer, '/');

	MUST(!value || last || !*pointer);
	MUST(json_at(j, "") == j);
	if (value && last) {
		*last = '\0';
		const struct json *container = json_at(j, pointer);
		MUST(json_is_object(container) || json_is_array(container));
		MUST(has(container, value));
	}
	json_free(j);
	return 0;
}
