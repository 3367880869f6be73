/* SPDX-License-Identifier: Apache-2.0 */
/* word: see word.h. */
#include "probe/word.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <ctype.h>
#include <string.h>

static bool is_end(char c)
{
	return isalnum((unsigned char)c);
}

bool word_is_safe(const char *text)
{
	size_t length = strlen(text);

	if (!length || length > WORD_MOST || !is_end(text[0]) || !is_end(text[length - 1]))
		return false;
	for (; *text; text++)
		if (!is_end(*text) && !strchr("-_.", *text))
			return false;
	return true;
}

int word_fill(const char *template, const char *(*value)(const char *name, void *user), void *user,
	      struct buf *ret, struct err *e)
{
	for (size_t length; *template; template += length) {
		length = strcspn(template, "{");
		if (!length) {
			length = strcspn(template, "}");
			owned char *name = mem_copy_part(template + 1, length - 1);
			const char *text = template[length] ? value(name, user) : NULL;

			if (!text)
				return err_set(e, ERR_REMOTE, "{%s} is not known", name);
			(void)buf_add_text(ret, text);
			length++;
		} else {
			(void)buf_add(ret, template, length);
		}
	}
	return word_is_safe(ret->data)
		       ? 0
		       : err_set(e, ERR_REMOTE,
				 "'%s' is no label value: at most %d letters, digits, -, _ and .",
				 ret->data, WORD_MOST);
}

struct known {
	bool (*is_known)(const char *name, void *user);
	void *user;
};

/* The shortest value there is. */
static const char *stand_in(const char *name, void *user)
{
	const struct known *k = user;

	return k->is_known(name, k->user) ? "0" : NULL;
}

int word_check(const char *template, bool (*is_known)(const char *name, void *user), void *user,
	       struct err *e)
{
	struct known known = { is_known, user };
	owned_buf b = BUF_INIT(strlen(template) + 1);

	if (word_fill(template, stand_in, &known, &b, e) == 0)
		return 0;
	e->kind = ERR_USAGE;
	return err_in(e, "\"result\"");
}
