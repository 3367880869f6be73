/* SPDX-License-Identifier: Apache-2.0 */
/* setting: see setting.h. */
#include "base/setting.h"

#include "base/address.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#define SETTING_TEXT_MAX ((size_t)64 * 1024)
#define COUNT_MAX ((int64_t)1 << 40)

static void *place_of(const struct setting *s, void *values)
{
	return (char *)values + s->offset;
}

static int set_text(char **place, const char *text, struct err *e)
{
	if (!*text)
		return err_set(e, ERR_USAGE, "expected a value, got an empty text");
	free(*place);
	*place = mem_copy(text);
	return 0;
}

/* HOST, HOST:PORT or [IPV6]:PORT, after an optional USER:PASSWORD@. */
static bool authority_is_valid(const char *text, size_t length)
{
	owned char *authority = mem_copy_part(text, length);
	const char *at = strrchr(authority, '@');
	const char *host = at ? at + 1 : authority;
	size_t host_length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	int64_t port;
	struct err ignored;

	if (host_length == 0 || host_length > strlen(host) || strpbrk(host, "<>\"\\^`{|}"))
		return false;
	if (*host == '[') {
		owned char *address = mem_copy_part(host + 1, host_length - 2);
		unsigned char bytes[16];

		if (inet_pton(AF_INET6, address, bytes) != 1)
			return false;
	}
	if (host[host_length] == '\0')
		return true;
	return host[host_length] == ':' &&
	       parse_count(host + host_length + 1, 1, 65535, &port, &ignored) == 0;
}

static int set_url(char **place, const char *text, struct err *e)
{
	const char *rest = text_starts(text, "http://")    ? text + strlen("http://")
			   : text_starts(text, "https://") ? text + strlen("https://")
							   : NULL;

	if (!rest || strpbrk(text, " \t\r\n") || !authority_is_valid(rest, strcspn(rest, "/?#")))
		/* It may hold a password: it is not repeated. */
		return err_set(e, ERR_USAGE, "expected a URL such as http://127.0.0.1:3000/reload");
	return set_text(place, text, e);
}

static int set_flag(bool *place, const char *text, struct err *e)
{
	*place = text_is(text, "true");
	if (*place || text_is(text, "false"))
		return 0;
	return err_set(e, ERR_USAGE, "expected true or false, got '%s'", text);
}

static int set_choice(const struct setting *s, int *place, const char *text, struct err *e)
{
	owned_buf names = BUF_INIT(SETTING_TEXT_MAX);

	for (int i = 0; s->choices[i]; i++) {
		if (text_is(text, s->choices[i])) {
			*place = i;
			return 0;
		}
		(void)buf_add_format(&names, "%s%s", i ? ", " : "", s->choices[i]);
	}
	return err_set(e, ERR_USAGE, "expected one of %s, got '%s'", names.data, text);
}

static int add_item(const struct setting *s, struct list *place, const char *item, struct err *e)
{
	if (!*item)
		return err_set(e, ERR_USAGE, "expected a value, got an empty text");
	if (s->check && s->check(item, e) < 0)
		return -1;
	list_add(place, item);
	return 0;
}

/* One item a line, empty lines aside: how a list is written in an environment variable. */
static int set_list(const struct setting *s, struct list *place, const char *text, struct err *e)
{
	if (strspn(text, "\n") == strlen(text))
		return add_item(s, place, "", e);
	for (; *text; text += strspn(text, "\n")) {
		size_t length = strcspn(text, "\n");
		owned char *item = mem_copy_part(text, length);

		if (length && add_item(s, place, item, e) < 0)
			return -1;
		text += length;
	}
	return 0;
}

static int set_address(struct address *place, const char *text, struct err *e)
{
	struct address a;

	if (address_parse(text, &a, e) < 0)
		return -1;
	address_done(place);
	*place = a;
	return 0;
}

int setting_add(const struct setting *s, void *values, const char *text, struct err *e)
{
	if (s->type != SETTING_LIST || strlen(text) > SETTING_TEXT_MAX)
		return setting_set(s, values, text, e);
	return add_item(s, place_of(s, values), text, e);
}

int setting_set(const struct setting *s, void *values, const char *text, struct err *e)
{
	void *place = place_of(s, values);

	if (strlen(text) > SETTING_TEXT_MAX)
		return err_set(e, ERR_USAGE, "longer than %zu bytes", SETTING_TEXT_MAX);
	switch (s->type) {
	case SETTING_TEXT:
		return set_text(place, text, e);
	case SETTING_LIST:
		return set_list(s, place, text, e);
	case SETTING_DURATION:
		return parse_duration(text, place, e);
	case SETTING_COUNT:
		return parse_count(text, 0, COUNT_MAX, place, e);
	case SETTING_FLAG:
		return set_flag(place, text, e);
	case SETTING_CHOICE:
		return set_choice(s, place, text, e);
	case SETTING_ADDRESS:
		return set_address(place, text, e);
	case SETTING_SIGNAL:
		return parse_signal(text, place, e);
	case SETTING_STATUS:
		return parse_status_range(text, place, e);
	case SETTING_URL:
		return set_url(place, text, e);
	}
	return err_set(e, ERR_USAGE, "unknown type of setting");
}

void setting_clear(const struct setting *s, void *values)
{
	void *place = place_of(s, values);

	switch (s->type) {
	case SETTING_TEXT:
	case SETTING_URL:
		free(*(char **)place);
		*(char **)place = NULL;
		break;
	case SETTING_LIST:
		list_clear(place);
		break;
	case SETTING_ADDRESS:
		address_done(place);
		break;
	case SETTING_DURATION:
	case SETTING_COUNT:
	case SETTING_FLAG:
	case SETTING_CHOICE:
	case SETTING_SIGNAL:
	case SETTING_STATUS:
		break;
	}
}

char *setting_url_shown(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + strlen("://") : url;
	size_t end = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', end);
	size_t path = strcspn(host, "?#");
	const char *from = at ? at + 1 : host;
	return mem_format("%.*s%.*s%s", (int)(host - url), url, (int)(host + path - from), from,
			  host[path] ? "?..." : "");
}

static char *show_list(const struct list *l)
{
	struct buf b = BUF_INIT(SIZE_MAX / 8);

	for (size_t i = 0; i < l->count; i++)
		(void)buf_add_format(&b, "%s%s", i ? "\n" : "", l->items[i]);
	return buf_take(&b);
}

static char *show_status(const struct status_range *r)
{
	if (r->least == r->most)
		return mem_format("%d", r->least);
	return mem_format("%d-%d", r->least, r->most);
}

static bool is_set(const struct setting *s, const void *place)
{
	switch (s->type) {
	case SETTING_TEXT:
	case SETTING_URL:
		return *(char *const *)place != NULL;
	case SETTING_LIST:
		return ((const struct list *)place)->count > 0;
	case SETTING_ADDRESS:
		return ((const struct address *)place)->kind != ADDRESS_NONE;
	case SETTING_SIGNAL:
		return *(const int *)place != 0;
	case SETTING_STATUS:
		return ((const struct status_range *)place)->least != 0;
	case SETTING_DURATION:
	case SETTING_COUNT:
	case SETTING_FLAG:
	case SETTING_CHOICE:
		break;
	}
	return true;
}

char *setting_show(const struct setting *s, const void *values)
{
	const void *place = (const char *)values + s->offset;

	if (!is_set(s, place))
		return NULL;
	if (s->secret)
		return mem_copy("(set)");
	switch (s->type) {
	case SETTING_TEXT:
		return mem_copy(*(char *const *)place);
	case SETTING_LIST:
		return show_list(place);
	case SETTING_DURATION: {
		int64_t ms = *(const int64_t *)place;

		return mem_format(ms % 1000 ? "%" PRId64 "ms" : "%" PRId64 "s",
				  ms % 1000 ? ms : ms / 1000);
	}
	case SETTING_COUNT:
		return mem_format("%" PRId64, *(const int64_t *)place);
	case SETTING_FLAG:
		return mem_copy(*(const bool *)place ? "true" : "false");
	case SETTING_CHOICE:
		return mem_copy(s->choices[*(const int *)place]);
	case SETTING_ADDRESS:
		return address_text(place);
	case SETTING_SIGNAL:
		return mem_copy(signal_name(*(const int *)place));
	case SETTING_STATUS:
		return show_status(place);
	case SETTING_URL:
		return setting_url_shown(*(char *const *)place);
	}
	return NULL;
}
