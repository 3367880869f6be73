/* SPDX-License-Identifier: Apache-2.0 */
/* request: see request.h. */
#include "fetch/request.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/setting_object.h"
#include "base/text.h"
#include "fetch/path.h"
#include "fetch/source.h"
#include "fetch/trust.h"
#include "fetch/update.h"

#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define NAME_MOST 63 /* of a DNS label, RFC 1123 */
#define KEY_MOST 32  /* letters of a row's name, in nearest() */

static const char *const unpacks[] = { "by-name", "true", "false", NULL };

#define ROW(kind, key, field) \
	.name = (key), .type = SETTING_##kind, .offset = offsetof(struct fetch_source, field)

static const struct setting rows[] = {
	{ ROW(TEXT, "name", name) },
	{ ROW(TEXT, "archive", archive) },
	{ ROW(URL, "http", http) },
	{ ROW(TEXT, "s3", s3) },
	{ ROW(TEXT, "git", git) },
	{ ROW(TEXT, "rsync", rsync) },
	{ ROW(LIST, "command", command) },
	{ ROW(CHOICE, "unpack", unpack), .choices = unpacks, .standard = "by-name" },
	{ ROW(TEXT, "file", file) },
	{ ROW(TEXT, "headers-file", headers_file) },
	{ ROW(TEXT, "ca-file", ca_file) },
	{ ROW(URL, "endpoint", endpoint) },
	{ ROW(TEXT, "region", region), .standard = "us-east-1" },
	{ ROW(TEXT, "key-file", key_file) },
	{ ROW(FLAG, "path-style", path_style) },
	{ ROW(TEXT, "ref", ref) },
	{ ROW(TEXT, "token-file", token_file) },
	{ ROW(TEXT, "ssh-key-file", ssh_key_file) },
	{ ROW(TEXT, "known-hosts-file", known_hosts_file) },
	{ ROW(COUNT, "ssh-port", ssh_port), .standard = "22" },
	{ ROW(TEXT, "password-file", password_file) },
	{ ROW(FLAG, "keep", keep) },
	{ ROW(TEXT, "subpath", subpath) },
	{ ROW(TEXT, "into", into) },
	{ ROW(LIST, "include", include), .check = pattern_check },
	{ ROW(LIST, "exclude", exclude), .check = pattern_check },
	{ ROW(TEXT, "sha256", sha256) },
	{ ROW(TEXT, "signature", signature) },
	{ ROW(TEXT, "public-key", public_key) },
	{ ROW(DURATION, "timeout", timeout), .standard = "10m" },
	{ ROW(COUNT, "most-bytes", most_bytes), .standard = "17179869184" },
	{ ROW(COUNT, "most-files", most_files), .standard = "1000000" },
	{ ROW(COUNT, "most-ratio", most_ratio), .standard = "200" },
	{ ROW(COUNT, "retries", retries), .standard = "3" },
};
static const struct setting_group group = SETTING_GROUP(rows);
static const struct setting_group *const groups[] = { &group };

static const struct setting_object object = {
	.what = "a source",
	.groups = groups,
	.count = 1,
	.size = sizeof(struct fetch_source),
};

#define ANY_KIND "name subpath into include exclude timeout most-bytes most-files"
/* What a tree does not look different by. */
#define NOT_DEFINING                                                                      \
	"timeout retries most-bytes most-files most-ratio headers-file ca-file key-file " \
	"token-file ssh-key-file known-hosts-file password-file"

bool fetch_path_is_sound(const char *path)
{
	struct err ignored;
	owned char *sound = path_sound(path, &ignored);

	return sound && *sound && text_is(sound, path);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters have to be changed, added or taken away. */
static unsigned distance(const char *a, const char *b)
{
	unsigned line[KEY_MOST + 1];
	size_t width = strlen(b);

	for (unsigned i = 0; i <= width; i++)
		line[i] = i;
	for (unsigned row = 1; *a; a++, row++) {
		unsigned corner = line[0];

		line[0] = row;
		for (size_t i = 1; i <= width; i++) {
			unsigned changed = corner + (*a != b[i - 1]);

			corner = line[i];
			line[i] = least(changed, least(line[i], line[i - 1]) + 1);
		}
	}
	return line[width];
}

static const char *nearest(const char *key)
{
	const char *found = rows[0].name;
	unsigned best = ~0U;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned far = distance(key, rows[i].name);

		if (far < best) {
			best = far;
			found = rows[i].name;
		}
	}
	return found;
}

static bool is_known(const char *key)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_is(rows[i].name, key))
			return true;
	return false;
}

static int check_keys(const struct json *j, struct err *e)
{
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		if (is_known(json_key(m)))
			continue;
		if (strlen(json_key(m)) > KEY_MOST)
			return err_set(e, ERR_USAGE, "a source has no key of such a length");
		return err_set(e, ERR_USAGE, "\"%s\": a source has no such key; \"%s\" is near",
			       json_key(m), nearest(json_key(m)));
	}
	return 0;
}

static int find_kind(struct fetch_source *s, const struct json *j, struct err *e)
{
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		const struct source_kind *kind = source_kind_called(json_key(m));

		if (kind && s->kind)
			return err_set(e, ERR_USAGE, "it cannot be both, \"%s\" and \"%s\"",
				       s->kind->name, kind->name);
		if (kind)
			s->kind = kind;
	}
	return s->kind ? 0
		       : err_set(e, ERR_USAGE,
				 "expected where it comes from: one of \"archive\", \"http\", "
				 "\"s3\", \"git\", \"rsync\", \"command\"");
}

/* A key that does nothing is a mistake. */
static int check_kind_takes(const struct source_kind *kind, const struct json *j, struct err *e)
{
	for (const struct json *m = json_first(j); m; m = json_next(m))
		if (!text_is(kind->name, json_key(m)) && !text_has_word(ANY_KIND, json_key(m)) &&
		    !text_has_word(kind->takes, json_key(m)))
			return err_set(e, ERR_USAGE, "\"%s\" does nothing with \"%s\"", json_key(m),
				       kind->name);
	return 0;
}

static int check_name(const char *name, struct err *e)
{
	if (!name || strlen(name) > NAME_MOST || strspn(name, LETTERS) != strlen(name) ||
	    name[0] == '-' || text_ends(name, "-"))
		return err_set(e, ERR_USAGE,
			       "expected a \"name\" of at most %d lower-case letters, digits "
			       "and - between them",
			       NAME_MOST);
	return 0;
}

static int check_path(const char *key, const char *path, struct err *e)
{
	if (!path || fetch_path_is_sound(path))
		return 0;
	return err_set(e, ERR_USAGE,
		       "\"%s\": expected a relative path without \".\" and names that begin with "
		       "\"..\", got '%s'",
		       key, path);
}

static int check_trust(const struct fetch_source *s, struct err *e)
{
	struct trust_digest digest;

	if (s->sha256 && !trust_parse(s->sha256, &digest))
		return err_set(e, ERR_USAGE, "\"sha256\": expected %d hexadecimal digits",
			       TRUST_TEXT_SIZE - 1);
	if (!s->signature != !s->public_key)
		return err_set(e, ERR_USAGE,
			       "\"signature\" and \"public-key\" only mean something together");
	return 0;
}

static int check(struct fetch_source *s, const struct json *j, struct err *e)
{
	if (check_path("subpath", s->subpath, e) < 0 || check_path("into", s->into, e) < 0 ||
	    check_path("file", s->file, e) < 0 || check_trust(s, e) < 0)
		return -1;
	if (!s->timeout)
		return err_set(e, ERR_USAGE, "\"timeout\": expected more than 0s");
	if (!s->most_bytes || !s->most_files || !s->most_ratio)
		return err_set(e, ERR_USAGE,
			       "\"most-bytes\", \"most-files\", \"most-ratio\": expected more "
			       "than 0");
	if (find_kind(s, j, e) < 0 || check_kind_takes(s->kind, j, e) < 0)
		return -1;
	return s->kind->check ? s->kind->check(s, e) : 0;
}

/* In the order of the rows, whatever order it came in. */
static char *definition_of(const struct json *j)
{
	struct digest_stream *stream = digest_new();
	char text[DIGEST_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct json *value = json_get(j, rows[i].name);

		if (!value || text_has_word(NOT_DEFINING, rows[i].name))
			continue;
		owned char *printed = json_print(value, false);
		digest_add(stream, rows[i].name, strlen(rows[i].name) + 1);
		digest_add(stream, printed, strlen(printed) + 1);
	}
	struct digest d = digest_result(stream);
	digest_free(stream);
	return mem_copy(digest_text(&d, text));
}

/* What is wrong with the others is said with it. */
static int name_first(const struct json *j, struct fetch_source *ret, struct err *e)
{
	const char *name = json_text(json_get(j, "name"));

	if (check_name(name, e) < 0)
		return -1;
	ret->name = mem_copy(name);
	return 0;
}

static int read_source(const struct json *j, struct fetch_source *ret, struct err *e)
{
	setting_object_init(&object, ret);
	if (!json_is_object(j))
		return err_set(e, ERR_USAGE, "expected a JSON object");
	if (name_first(j, ret, e) < 0 || check_keys(j, e) < 0 ||
	    setting_object_set(&object, ret, j, e) < 0 || check(ret, j, e) < 0)
		return -1;
	ret->definition = definition_of(j);
	return 0;
}

static bool is_there_twice(const struct fetch_request *r, const char *name)
{
	for (size_t i = 0; i + 1 < r->count; i++)
		if (text_is(r->items[i].name, name))
			return true;
	return false;
}

static int read_sources(const struct json *array, struct fetch_request *r, struct err *e)
{
	for (const struct json *j = json_first(array); j; j = json_next(j)) {
		if (r->count == REQUEST_SOURCES_MOST)
			return err_set(e, ERR_USAGE, "more than %d sources", REQUEST_SOURCES_MOST);
		struct fetch_source *s = &r->items[r->count++];
		if (read_source(j, s, e) < 0)
			return s->name ? err_in(e, "source \"%s\"", s->name)
				       : err_in(e, "source %zu", r->count);
		if (is_there_twice(r, s->name))
			return err_set(e, ERR_USAGE, "source \"%s\": the name is there twice",
				       s->name);
	}
	return 0;
}

/* The folders of what is pushed, with that laid over the configured sources. */
static int read_pushed(const struct json *update, const struct json *pushed,
		       const struct json *array, struct fetch_request *r, struct err *e)
{
	struct json *updated = update_apply(update, pushed, array, e);
	int status = updated ? read_sources(updated, r, e) : -1;

	json_free(updated);
	for (size_t i = 0; i < r->count && status == 0; i++)
		r->items[i].pushed = update_has(pushed, r->items[i].name);
	return status;
}

/* What is not right any more has nothing that is worth keeping. */
static void keep_before(const struct json *update, const struct json *array, struct list *kept)
{
	struct fetch_request *before = mem_alloc(sizeof(*before));
	struct err ignored;

	if (read_pushed(update, json_get(update, "before"), array, before, &ignored) == 0)
		for (size_t i = 0; i < before->count; i++)
			if (before->items[i].pushed)
				list_add(kept, before->items[i].definition);
	fetch_request_done(before);
	free(before);
}

static int read_updated(const struct json *update, const struct json *array,
			struct fetch_request *r, struct err *e)
{
	const struct json *pushed = json_get(update, "pushed");

	for (const struct json *j = json_first(json_get(update, "sources")); j; j = json_next(j))
		if (check_name(json_text(j), e) < 0)
			return err_in(e, "update-sources");
	if (update_check_allowed(update, e) < 0)
		return -1;
	if (json_get(update, "before"))
		keep_before(update, array, &r->kept);
	(void)json_bool(json_get(update, "trial"), &r->trial);
	return pushed ? read_pushed(update, pushed, array, r, e) : read_sources(array, r, e);
}

/* Members of the request that it knows. */
static bool is_request(const struct json *j)
{
	if (!json_is_object(j))
		return false;
	for (const struct json *m = json_first(j); m; m = json_next(m))
		if (!text_has_word("sources update", json_key(m)))
			return false;
	return json_is_array(json_get(j, "sources"));
}

int fetch_request_read(const char *text, struct fetch_request *ret, struct err *e)
{
	struct json *j = json_read(text, e);
	int status = -1;

	memset(ret, 0, sizeof(*ret));
	if (!j)
		return err_in(e, "request");
	const struct json *array = json_get(j, "sources"), *update = json_get(j, "update");
	if (!is_request(j))
		(void)err_set(e, ERR_USAGE, "request: expected {\"sources\": [...]} and no more");
	else if (!update && !json_first(array))
		(void)err_set(e, ERR_USAGE, "\"sources\": there is none");
	else if (json_is_object(update))
		status = read_updated(update, array, ret, e);
	else
		status = read_sources(array, ret, e);
	json_free(j);
	return status;
}

void fetch_request_done(struct fetch_request *r)
{
	list_clear(&r->kept);
	for (size_t i = 0; i < r->count; i++) {
		free(r->items[i].definition);
		setting_object_clear(&object, &r->items[i]);
	}
	r->count = 0;
}
