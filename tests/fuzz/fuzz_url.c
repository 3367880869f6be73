/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shown of a URL does not depend on what is secret in it: with other letters before the
 * '@' of its authority, and after its '?' or '#', the same is shown.
 */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/setting.h"

#include <stdbool.h>

static bool is_url(const char *text)
{
	static const struct setting row = { .name = "url", .type = SETTING_URL };
	struct err e;
	char *url = NULL;
	bool good = setting_set(&row, &url, text, &e) == 0;

	free(url);
	return good;
}

/* Other letters for all that is secret. As RFC 3986, section 3, divides a URL. */
static void replace_secrets(char *url)
{
	char *authority = strstr(url, "://") + 3;
	size_t end = strcspn(authority, "/?#");
	char *at = memrchr(authority, '@', end);
	char *rest = authority + strcspn(authority, "?#");

	for (char *c = authority; at && c < at; c++)
		*c = '*';
	for (rest += *rest != '\0'; *rest; rest++)
		*rest = '*';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);

	if (!text)
		return 0;
	owned char *shown = setting_url_shown(text);
	if (!is_url(text))
		return 0;
	owned char *other = mem_copy(text);
	replace_secrets(other);
	owned char *same = setting_url_shown(other);
	MUST(strcmp(shown, same) == 0);
	MUST(!strchr(shown, '*') || strchr(text, '*'));
	return 0;
}
