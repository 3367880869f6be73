/* SPDX-License-Identifier: Apache-2.0 */
/* A file of keys: they can be a header, or there is an error that does not have them in it. */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/text.h"
#include "fetch/s3_keys.h"
#include "fetch/transfer.h"

#include <stdbool.h>

static void check_key(const char *key)
{
	for (; *key; key++)
		MUST(*key > ' ' && *key <= '~');
}

/* No error has anything of the file in it. */
static bool is_own_text(const char *text)
{
	return text_starts(text, "expected AccessKeyId and") ||
	       text_starts(text, "a key has blanks") ||
	       (text_starts(text, "not valid JSON near line ") &&
		strspn(text + sizeof("not valid JSON near line ") - 1, "0123456789") ==
			strlen(text) - sizeof("not valid JSON near line ") + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = (char *)guard_text(data, size);
	struct transfer_keys keys;
	struct err e = { 0 };

	if (!text)
		return 0;
	if (s3_keys_read(text, &keys, &e) == 0) {
		MUST(keys.id && *keys.id && keys.secret && *keys.secret);
		check_key(keys.id);
		check_key(keys.secret);
		check_key(keys.token ? keys.token : "");
	} else {
		MUST(e.kind == ERR_USAGE && e.text[0]);
		MUST(is_own_text(e.text));
	}
	s3_keys_done(&keys);
	return 0;
}
