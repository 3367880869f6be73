/* SPDX-License-Identifier: Apache-2.0 */
/* s3_prefix: see s3_prefix.h. */
#include "fetch/s3_prefix.h"

#include "base/beneath.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "fetch/download.h"
#include "fetch/path.h"
#include "fetch/s3_list.h"
#include "fetch/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECTS_MOST ((size_t)512 << 20) /* bytes of the list that is kept */
#define PAGES_MOST 1000000

/* A list is a line for each object, in order of keys: ETag, size, and the key as in a URL. */
struct prefix {
	struct fetch *fetch;
	const struct s3_place *place;
	struct buf before, now; /* lists */
	char **lines;           /* of before, by key */
	size_t count;
	struct beneath older; /* the last good tree; root -1: none */
	struct beneath tree;
	uint64_t bytes, files;
	int out; /* the file that is being written */
	uint64_t written, wanted;
};

static const char *key_of(const char *line)
{
	return strrchr(line, ' ') + 1;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(key_of(*(char *const *)a), key_of(*(char *const *)b));
}

/* The text itself is cut into them: a copy of each would take as much memory again. */
static void take_lines(struct prefix *p)
{
	size_t most = 0;

	for (const char *at = p->before.data; *at; at++)
		most += *at == '\n' || !at[1];
	p->lines = mem_alloc(most * sizeof(p->lines[0]));
	for (char *rest = p->before.data, *line; rest && *rest;) {
		line = strsep(&rest, "\n");
		if (strchr(line, ' '))
			p->lines[p->count++] = line;
	}
}

static void load_before(struct prefix *p)
{
	const char *tree = p->fetch->known->tree;
	struct err ignored;

	if (!tree)
		return;
	owned char *name = mem_format(CACHE_OBJECTS "%s", strchr(tree, '.'));
	if (io_read_regular(p->fetch->folder->fd, name, &p->before, &ignored) < 0)
		buf_clear(&p->before);
	take_lines(p);
	if (p->count)
		qsort(p->lines, p->count, sizeof(p->lines[0]), by_key);
}

static bool is_as_before(const struct prefix *p, const char *line)
{
	char *const *found =
		p->count ? bsearch(&line, p->lines, p->count, sizeof(p->lines[0]), by_key) : NULL;

	return found && text_is(*found, line);
}

static bool is_wanted(const struct fetch_source *s, const char *path)
{
	return (!s->include.count || pattern_fits_one(&s->include, path)) &&
	       !pattern_fits_one(&s->exclude, path);
}

static char *no_path(const char *key, const char *why, struct err *e)
{
	owned char *shown = path_shown(key);

	(void)err_set(e, ERR_REMOTE, "the server listed '%s', which %s", shown, why);
	return NULL;
}

/* Of a key its place in the tree, on the heap; NULL: it has none, or with e. */
static char *path_of(const struct prefix *p, const char *key, struct err *e)
{
	const char *below = key + strlen(p->place->prefix);

	if (!text_starts(key, p->place->prefix))
		return no_path(key, "was not asked for", e);
	/* What consoles make to show a folder. */
	if (!*below || text_ends(below, "/"))
		return NULL;
	if (!fetch_path_is_sound(below))
		return no_path(key, "cannot be the name of a file", e);
	return is_wanted(p->fetch->source, below) ? mem_copy(below) : NULL;
}

static int take_object(void *owner, const struct s3_object *o, struct err *e)
{
	struct prefix *p = owner;
	const struct fetch_source *s = p->fetch->source;
	owned char *path = path_of(p, o->key, e);
	owned char *escaped = transfer_escape(o->key, true);

	if (!path)
		return e->kind == ERR_NONE ? 0 : -1;
	if (strpbrk(o->etag, " \n\r"))
		return err_set(e, ERR_REMOTE, "an ETag with a blank");
	p->bytes += (uint64_t)o->size;
	if (p->bytes > (uint64_t)s->most_bytes)
		return err_set(e, ERR_REMOTE, "more than %" PRId64 " bytes, see \"most-bytes\"",
			       s->most_bytes);
	if (++p->files > (uint64_t)s->most_files)
		return err_set(e, ERR_REMOTE, "more than %" PRId64 " files, see \"most-files\"",
			       s->most_files);
	if (buf_add_format(&p->now, "%s %" PRId64 " %s\n", o->etag, o->size, escaped) < 0)
		return err_set(e, ERR_REMOTE, "the list of objects is too long");
	return 0;
}

/* The parameters in order: libcurl signs them as they stand. */
static char *list_url(const struct prefix *p, const char *token)
{
	owned char *prefix = transfer_escape(p->place->prefix, false);
	owned char *next = token ? transfer_escape(token, false) : NULL;
	/* "base/?": the bucket itself. */
	return mem_format("%s?%s%s%sencoding-type=url&list-type=2&prefix=%s", p->place->base,
			  next ? "continuation-token=" : "", next ? next : "", next ? "&" : "",
			  prefix);
}

static int list_page(struct prefix *p, const char *token, struct s3_page *ret, struct err *e)
{
	owned char *url = list_url(p, token);
	owned_buf b = BUF_INIT(S3_LIST_MOST);
	const struct download_plan plan = { .url = url,
					    .keys = p->place->keys,
					    .region = p->place->region };

	*ret = (struct s3_page){ 0 };
	if (download_small(p->fetch, &plan, &b, e) < 0)
		return -1;
	if (strlen(b.data) != b.length)
		return err_set(e, ERR_REMOTE, "the list of objects has a zero byte");
	return s3_list_read(b.data, take_object, p, ret, e);
}

static int list_objects(struct prefix *p, struct err *e)
{
	owned char *token = NULL;

	for (int i = 0; i < PAGES_MOST; i++) {
		struct s3_page page;
		int status = list_page(p, token, &page, e);
		bool again = page.token && token && text_is(page.token, token);

		free(token);
		token = page.token;
		if (status < 0 || !page.more)
			return status;
		if (again)
			break;
	}
	return err_set(e, ERR_REMOTE, "the list of objects has no end");
}

/* 1: it could not be linked, and has to be fetched. */
static int link_older(struct prefix *p, const char *path, struct err *e)
{
	const struct fetch_source *s = p->fetch->source;
	owned char *there = s->into ? mem_format("%s/%s", s->into, path) : mem_copy(path);
	const char *from, *to;
	int older = p->older.root < 0 ? -1 : beneath_parent(&p->older, there, &from);
	int dir = beneath_parent(&p->tree, path, &to);

	if (dir < 0)
		return err_sys(e, "open the directory of '%s'", path);
	return older < 0 || linkat(older, from, dir, to, 0) < 0;
}

static int take_body(void *owner, const void *bytes, size_t count, struct err *e)
{
	struct prefix *p = owner;

	p->written += count;
	if (p->written > p->wanted)
		return err_set(e, ERR_REMOTE, "it has more bytes than its list says");
	return io_write(p->out, bytes, count) < 0 ? err_sys(e, "write") : 0;
}

static int get_once(struct prefix *p, const struct transfer_plan *plan, struct transfer_answer *ret,
		    struct err *e)
{
	p->written = 0;
	if (ftruncate(p->out, 0) < 0 || lseek(p->out, 0, SEEK_SET) < 0)
		return err_sys(e, "empty a file");
	int status = transfer_run(plan, ret, e);
	p->fetch->wire_bytes += ret->wire_bytes;
	p->fetch->requests += ret->requests;
	if (ret->status == 412)
		return err_set(e, ERR_REMOTE, "it was changed while it was fetched");
	if (status == 0 && (ret->status != 200 || p->written != p->wanted))
		return err_set(e, ERR_REMOTE, "it has fewer bytes than its list says");
	return status;
}

static int get_object(struct prefix *p, const char *etag, const char *escaped, struct err *e)
{
	owned char *url = mem_format("%s%s", p->place->base, escaped);
	owned char *match = mem_format("If-Match: %s", etag);
	struct list headers = { 0 };
	const struct transfer_plan plan = {
		.url = url,
		.headers = &headers,
		.ca_file = p->fetch->source->ca_file,
		.keys = p->place->keys,
		.region = p->place->region,
		.deadline = p->fetch->deadline,
		.same_server = p->fetch->source->pushed,
		.on_body = take_body,
		.owner = p,
	};

	list_add(&headers, match);
	for (unsigned failures = 0;; failures++) {
		struct transfer_answer a = { 0 };
		int status = get_once(p, &plan, &a, e);
		const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = a.time } };

		if (status == 0 && a.time >= 0 && futimens(p->out, times) < 0)
			status = err_sys(e, "set its time");
		bool again = status < 0 && download_waits(p->fetch, &a, failures, e);
		transfer_answer_done(&a);
		if (!again) {
			list_clear(&headers);
			return status;
		}
		e->kind = ERR_NONE;
	}
}

/* line: ETag, size, escaped key; path is the place of the key. */
static int fill_object(struct prefix *p, const char *line, const char *path, struct err *e)
{
	size_t etag = strcspn(line, " ");
	owned char *tag = mem_copy_part(line, etag);
	const char *name;

	if (tree_make_parents(p->tree.root, path, e) < 0)
		return -1;
	int linked = is_as_before(p, line) ? link_older(p, path, e) : 1;
	if (linked <= 0)
		return linked;
	int dir = beneath_parent(&p->tree, path, &name);
	owned_fd out = dir < 0 ? -1
			       : openat(dir, name,
					O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (out < 0)
		return err_sys(e, "make '%s'", path);
	p->out = out;
	p->wanted = strtoull(line + etag, NULL, 10);
	return get_object(p, tag, key_of(line), e) < 0 ? err_in(e, "'%s'", path) : 0;
}

static char *unescaped(const char *text)
{
	char *plain = mem_copy(text), *to = plain;

	for (const char *from = text; *from; from++) {
		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		const char digits[] = { from[1], from[2], '\0' };

		*to++ = (char)strtoul(digits, NULL, 16);
		from += 2;
	}
	*to = '\0';
	return plain;
}

static int fill_objects(struct prefix *p, struct err *e)
{
	for (const char *at = p->now.data; *at;) {
		size_t length = strcspn(at, "\n");
		owned char *line = mem_copy_part(at, length);
		owned char *key = unescaped(key_of(line));

		if (fill_object(p, line, key + strlen(p->place->prefix), e) < 0)
			return -1;
		at += length + 1;
	}
	return 0;
}

static char *version_of(const struct buf *list)
{
	struct digest_stream *s = digest_new();
	char text[DIGEST_TEXT_SIZE];

	digest_add(s, list->data, list->length);
	struct digest d = digest_result(s);
	digest_free(s);
	return mem_format("list:%s", digest_text(&d, text));
}

static enum source_fill fill(struct prefix *p, struct err *e)
{
	struct fetch *f = p->fetch;

	load_before(p);
	if (list_objects(p, e) < 0)
		return SOURCE_FILL_FAILED;
	if (!p->files && !f->source->include.count && !f->source->exclude.count)
		return (enum source_fill)err_set(e, ERR_REMOTE,
						 "there is no object below this prefix");
	f->next.version = version_of(&p->now);
	if (f->known->version && text_is(f->known->version, f->next.version))
		return SOURCE_AS_BEFORE;
	if (fill_objects(p, e) < 0)
		return SOURCE_FILL_FAILED;
	return io_replace_file(f->folder->fd, CACHE_OBJECTS, p->now.data, p->now.length, e) < 0
		       ? SOURCE_FILL_FAILED
		       : SOURCE_FILLED;
}

enum source_fill s3_prefix_fill(struct fetch *f, const struct s3_place *place, int tree,
				struct err *e)
{
	const char *known = f->known->tree;
	owned_fd older =
		known ? beneath_open(f->folder->fd, known, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct prefix p = {
		.fetch = f,
		.place = place,
		.before = BUF_INIT(OBJECTS_MOST),
		.now = BUF_INIT(OBJECTS_MOST),
		.older = beneath_init(older),
		.tree = beneath_init(tree),
		.out = -1,
	};

	f->below_subpath = true;
	enum source_fill status = fill(&p, e);
	beneath_done(&p.older);
	beneath_done(&p.tree);
	buf_done(&p.before);
	buf_done(&p.now);
	free(p.lines);
	return status;
}
