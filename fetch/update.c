/* SPDX-License-Identifier: Apache-2.0 */
/* update: see update.h. */
#include "fetch/update.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_OF_URL "update" /* the source that {"url": ...} is of */
#define LETTERS_OF_ORIGIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"

#define PLACES "http s3 git rsync signature"
#define OTHERS "name ref sha256 subpath file unpack"
#define CREDENTIALS "headers-file key-file token-file password-file ssh-key-file"

/* "https://host:port", on the heap; NULL: it has none that everybody reads alike. */
static char *origin_of(const char *url)
{
	const char *host = strstr(url, "://");

	if (!host)
		return NULL;
	host += 3;
	size_t length = strcspn(host, "/?#");
	if (!length || strspn(host, LETTERS_OF_ORIGIN) < length)
		return NULL;
	return mem_copy_part(url, (size_t)(host - url) + length);
}

/* Of a configured URL, which may have a user. */
static bool is_origin_of(const char *origin, const char *url)
{
	const char *host = url ? strstr(url, "://") : NULL;

	if (!host)
		return false;
	host += 3;
	const char *user_end = memrchr(host, '@', strcspn(host, "/?#"));
	owned char *plain =
		mem_format("%.*s%s", (int)(host - url), url, user_end ? user_end + 1 : host);
	owned char *own = origin_of(plain);
	return own && strcasecmp(origin, own) == 0;
}

static bool is_listed_host(const char *origin, const struct json *hosts)
{
	for (const struct json *j = json_first(hosts); j; j = json_next(j)) {
		const char *host = json_text(j);
		owned char *whole = mem_format(host && strstr(host, "://") ? "%s" : "https://%s",
					       host ? host : "");

		if (strcasecmp(origin, whole) == 0)
			return true;
	}
	return false;
}

static bool is_listed(const char *text, const struct json *list)
{
	for (const struct json *j = json_first(list); j; j = json_next(j))
		if (text_is(json_text(j), text))
			return true;
	return false;
}

static int check_place(const struct json *update, const struct json *configured,
		       const struct json *pushed, struct err *e)
{
	const char *key = json_key(pushed), *url = json_text(pushed);
	owned char *origin = url ? origin_of(url) : NULL;

	if (!origin)
		return err_set(e, ERR_USAGE, "\"%s\": expected a URL without a user", key);
	if (is_origin_of(origin, json_text(json_get(configured, key))) ||
	    is_listed_host(origin, json_get(update, "hosts")))
		return 0;
	return err_set(e, ERR_USAGE,
		       "\"%s\": %s is neither where the source is configured to come from nor "
		       "among update-hosts",
		       key, origin);
}

static int check_keys(const struct json *update, const struct json *configured,
		      const struct json *pushed, struct err *e)
{
	for (const struct json *j = json_first(pushed); j; j = json_next(j)) {
		bool is_place = text_has_word(PLACES, json_key(j));

		if (!is_place && !text_has_word(OTHERS, json_key(j)))
			return err_set(
				e, ERR_USAGE,
				"\"%s\" cannot be pushed, only configured; what can be: " PLACES
				" " OTHERS,
				json_key(j));
		if (is_place && check_place(update, configured, j, e) < 0)
			return -1;
	}
	if (!configured && !json_get(pushed, "http"))
		return err_set(e, ERR_USAGE,
			       "it is not configured, so it needs \"http\", and can be no other");
	return 0;
}

static const struct json *find(const struct json *sources, const char *name)
{
	for (const struct json *j = json_first(sources); j; j = json_next(j))
		if (text_is(json_text(json_get(j, "name")), name))
			return j;
	return NULL;
}

/* Whether it comes from where the configured one does not. */
static bool is_elsewhere(const struct json *configured, const struct json *pushed)
{
	for (const struct json *j = json_first(pushed); j; j = json_next(j)) {
		owned char *origin = json_text(j) ? origin_of(json_text(j)) : NULL;

		if (text_has_word(PLACES, json_key(j)) &&
		    !(origin && is_origin_of(origin, json_text(json_get(configured, json_key(j))))))
			return true;
	}
	return false;
}

/* The configured one with what is pushed in the place of its own. */
static struct json *overlay(const struct json *configured, const struct json *pushed)
{
	const char *left_out = is_elsewhere(configured, pushed) ? CREDENTIALS : "";
	struct json *both = json_object();

	for (const struct json *j = json_first(configured); j; j = json_next(j))
		if (!json_get(pushed, json_key(j)) && !text_has_word(left_out, json_key(j)))
			json_put(both, json_key(j), json_copy(j));
	for (const struct json *j = json_first(pushed); j; j = json_next(j))
		json_put(both, json_key(j), json_copy(j));
	return both;
}

/* {"url", "sha256"} as sources. */
static struct json *sources_of_url(const struct json *pushed, struct err *e)
{
	const char *url = json_text(json_get(pushed, "url"));
	const char *sha256 = json_text(json_get(pushed, "sha256"));

	if (!url || !sha256) {
		(void)err_set(e, ERR_USAGE,
			      "expected \"version\" and either \"sources\", or \"url\" and "
			      "\"sha256\"");
		return NULL;
	}
	struct json *sources = json_array(), *one = json_object();
	json_put_text(one, "name", NAME_OF_URL);
	json_put_text(one, "http", url);
	json_put_text(one, "sha256", sha256);
	json_add(sources, one);
	return sources;
}

static int check_members(const struct json *pushed, struct err *e)
{
	const char *version = json_text(json_get(pushed, "version"));
	const char *known = json_get(pushed, "sources") ? "version sources" : "version url sha256";

	if (!json_is_object(pushed))
		return err_set(e, ERR_USAGE, "expected a JSON object");
	if (!version || !*version)
		return err_set(e, ERR_USAGE, "expected a \"version\", which is what people see");
	for (const struct json *j = json_first(pushed); j; j = json_next(j)) {
		if (!text_has_word(known, json_key(j)))
			return err_set(e, ERR_USAGE, "\"%s\" is not among: %s", json_key(j), known);
		if (json_get(pushed, json_key(j)) != j)
			return err_set(e, ERR_USAGE, "\"%s\" is there twice", json_key(j));
	}
	return 0;
}

/* An array, to be given back. */
static struct json *pushed_sources(const struct json *pushed, struct err *e)
{
	const struct json *sources = json_get(pushed, "sources");

	if (check_members(pushed, e) < 0)
		return NULL;
	if (!sources)
		return sources_of_url(pushed, e);
	if (json_is_array(sources) && json_first(sources))
		return json_copy(sources);
	(void)err_set(e, ERR_USAGE, "\"sources\": expected a list of at least one");
	return NULL;
}

static int check_all(const struct json *update, const struct json *sources,
		     const struct json *pushed, struct err *e)
{
	for (const struct json *j = json_first(pushed); j; j = json_next(j)) {
		const char *name = json_text(json_get(j, "name"));

		if (!name)
			return err_set(e, ERR_USAGE, "each source needs a \"name\"");
		if (find(pushed, name) != j)
			return err_set(e, ERR_USAGE, "source \"%s\": the name is there twice",
				       name);
		if (!is_listed(name, json_get(update, "sources")))
			return err_set(e, ERR_USAGE, "source \"%s\" is not among update-sources",
				       name);
		if (check_keys(update, find(sources, name), j, e) < 0)
			return err_in(e, "source \"%s\"", name);
	}
	return 0;
}

static struct json *lay_over(const struct json *sources, const struct json *pushed)
{
	struct json *ret = json_array();

	for (const struct json *j = json_first(sources); j; j = json_next(j)) {
		const struct json *own = find(pushed, json_text(json_get(j, "name")));

		json_add(ret, own ? overlay(j, own) : json_copy(j));
	}
	for (const struct json *j = json_first(pushed); j; j = json_next(j))
		if (!find(sources, json_text(json_get(j, "name"))))
			json_add(ret, json_copy(j));
	return ret;
}

struct json *update_apply(const struct json *update, const struct json *pushed,
			  const struct json *sources, struct err *e)
{
	struct json *own = pushed_sources(pushed, e), *ret = NULL;

	if (own && check_all(update, sources, own, e) == 0)
		ret = lay_over(sources, own);
	json_free(own);
	if (!ret)
		(void)err_in(e, "update");
	return ret;
}

bool update_has(const struct json *pushed, const char *name)
{
	const struct json *sources = json_get(pushed, "sources");

	if (!pushed)
		return false;
	return sources ? find(sources, name) != NULL : text_is(name, NAME_OF_URL);
}

int update_check_allowed(const struct json *update, struct err *e)
{
	for (const struct json *j = json_first(json_get(update, "hosts")); j; j = json_next(j)) {
		const char *host = json_text(j) ? json_text(j) : "";
		owned char *whole = mem_format(strstr(host, "://") ? "%s" : "https://%s", host);
		owned char *origin = origin_of(whole);

		if (!origin || !text_is(origin, whole))
			return err_set(e, ERR_USAGE,
				       "update-hosts '%s': expected HOST, HOST:PORT or "
				       "SCHEME://HOST:PORT, without a path",
				       host);
	}
	return 0;
}
