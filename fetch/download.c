/* SPDX-License-Identifier: Apache-2.0 */
/* download: see download.h. */
#include "fetch/download.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/room.h"
#include "base/text.h"
#include "fetch/source.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD DOWNLOAD ".json"
#define RECORD_MOST ((size_t)16 * 1024)
#define SHOWN_BYTES ((int64_t)4 << 20) /* how fast they came the rest will come, too */
#define SOON_MS 30000
#define FIRST_WAIT_MS 500
#define LONGEST_WAIT_MS 15000

struct download {
	struct fetch *fetch;
	const struct download_plan *plan;
	int fd;
	int64_t have;   /* bytes of the part */
	int64_t length; /* that it will have; -1: not known */
	int64_t began;  /* as clock_ms() counts, with had bytes: this answer */
	int64_t had;
	char *etag;    /* of the part, strong; NULL: it cannot be gone on with */
	bool older;    /* it is of a run that did not come to its end */
	bool let_go;   /* not all of them are in the file */
	bool refused;  /* what came does not go with the part */
	bool followed; /* the follower knows all of the part */
};

/* A URL may have a secret in it: only whether it is the same is kept. */
static char *url_digest(const char *url)
{
	struct digest_stream *s = digest_new();
	char text[DIGEST_TEXT_SIZE];

	digest_add(s, url, strlen(url));
	struct digest d = digest_result(s);
	digest_free(s);
	return mem_copy(digest_text(&d, text));
}

static void record_read(struct download *d)
{
	owned_buf b = BUF_INIT(RECORD_MOST);
	owned char *digest = url_digest(d->plan->url);
	struct err ignored;

	if (io_read_regular(d->fetch->folder->fd, RECORD, &b, &ignored) < 0)
		return;
	struct json *j = json_read(b.data, &ignored);
	if (!j)
		return;
	const char *url = json_text(json_get(j, "url")), *etag = json_text(json_get(j, "etag"));
	if (url && text_is(url, digest) && etag && *etag == '"' && !strpbrk(etag, "\r\n")) {
		d->etag = mem_copy(etag);
		d->length = (int64_t)json_count(json_get(j, "length"));
	}
	json_free(j);
}

static int record_write(const struct download *d, struct err *e)
{
	owned char *digest = url_digest(d->plan->url);
	struct json *j = json_object();

	json_put_text(j, "url", digest);
	json_put_text(j, "etag", d->etag);
	if (d->length > 0)
		json_put_number(j, "length", (double)d->length);
	owned char *text = json_print(j, false);
	json_free(j);
	return io_replace_file(d->fetch->folder->fd, RECORD, text, strlen(text), e);
}

static int open_part(struct download *d, struct err *e)
{
	struct stat st;

	d->fd = openat(d->fetch->folder->fd, DOWNLOAD, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		return err_sys(e, "open '%s/" DOWNLOAD "'", d->fetch->folder->path);
	d->length = -1;
	record_read(d);
	d->have = d->etag ? st.st_size : 0;
	d->older = d->have > 0;
	return 0;
}

static int start_over(struct download *d, const struct transfer_answer *a, struct err *e)
{
	free(d->etag);
	d->etag = a->etag && a->etag[0] == '"' ? mem_copy(a->etag) : NULL;
	d->length = a->length;
	d->have = 0;
	d->older = d->let_go = d->followed = false;
	if (ftruncate(d->fd, 0) < 0)
		return err_sys(e, "empty '%s/" DOWNLOAD "'", d->fetch->folder->path);
	return record_write(d, e);
}

static int follow(struct download *d, bool marked, struct err *e)
{
	const struct download_follower *who = d->plan->follower;

	if (!who || d->followed)
		return 0;
	d->followed = true;
	return who->begin(who->owner, d->fd, d->have, marked, e);
}

/* What cannot be kept is not worth its way, again and again. */
static int check_room(const struct download *d, int64_t more, struct err *e)
{
	char more_text[TEXT_SIZE_ROOM], free_text[TEXT_SIZE_ROOM];
	struct room room;

	if (room_of(d->fd, &room) < 0)
		return err_sys(e, "look for free space in '%s'", d->fetch->folder->path);
	if (more <= 0 || (uint64_t)more <= room.bytes)
		return 0;
	return err_set(e, ERR_SYSTEM,
		       "No space left on device: %s are to come, and in '%s' %s are free",
		       text_size((uint64_t)more, more_text), d->fetch->folder->path,
		       text_size(room.bytes, free_text));
}

static int take_head(void *owner, const struct transfer_answer *a, struct err *e)
{
	struct download *d = owner;
	int64_t most = d->fetch->source->most_bytes;
	int64_t whole = a->status == 206 ? a->total : a->length;

	if (a->status != 200 && a->status != 206)
		return err_set(e, ERR_REMOTE,
			       "the server answered with status %d, which is no file", a->status);
	if (whole > most)
		return err_set(e, ERR_REMOTE,
			       "it has %" PRId64 " bytes, and \"most-bytes\" is %" PRId64, whole,
			       most);
	if (a->status == 200) {
		if (start_over(d, a, e) < 0)
			return -1;
	} else if (!d->etag || !d->have || a->from != d->have ||
		   (d->length > 0 && a->total != d->length) ||
		   (a->etag && !text_is(a->etag, d->etag))) {
		d->refused = true;
		return err_set(e, ERR_REMOTE, "the server sent another part than the wanted one");
	}
	if (check_room(d, whole - d->have, e) < 0)
		return -1;
	d->began = clock_ms();
	d->had = d->have;
	return follow(d, d->etag || a->etag || a->modified, e);
}

static bool comes_again_soon(const struct download *d)
{
	int64_t got = d->have - d->had;

	return got >= SHOWN_BYTES && d->length > 0 &&
	       (clock_ms() - d->began) * (d->length / got + 1) < SOON_MS;
}

/* The next run can go on with what is in the file; it was fast at its beginning alone, maybe. */
static void let_go(struct download *d)
{
	const struct download_follower *who = d->plan->follower;

	if (!d->let_go && !d->older && who && comes_again_soon(d))
		d->let_go = who->let_go(who->owner, d->have, d->length);
}

static int take_body(void *owner, const void *bytes, size_t count, struct err *e)
{
	struct download *d = owner;
	const struct download_follower *who = d->plan->follower;

	if (d->have + (int64_t)count > d->fetch->source->most_bytes)
		return err_set(e, ERR_REMOTE, "more than %" PRId64 " bytes, see \"most-bytes\"",
			       d->fetch->source->most_bytes);
	if (!d->let_go && io_write_at(d->fd, bytes, count, d->have) < 0)
		return err_sys(e, "write '%s/" DOWNLOAD "'", d->fetch->folder->path);
	d->have += (int64_t)count;
	if (who && who->more(who->owner, bytes, count, e) < 0)
		return -1;
	let_go(d);
	return 0;
}

static void add_header(struct list *headers, const char *name, const char *value)
{
	owned char *line = value ? mem_format("%s: %s", name, value) : NULL;

	if (line)
		list_add(headers, line);
}

static bool part_is_whole(const struct download *d)
{
	return d->etag && d->length > 0 && d->have == d->length;
}

static void ask_for_rest(const struct download *d, struct list *headers)
{
	owned char *range = mem_format("bytes=%" PRId64 "-", d->have);

	if (part_is_whole(d)) {
		add_header(headers, "If-None-Match", d->etag);
		return;
	}
	if (d->etag && d->have > 0) {
		add_header(headers, "Range", range);
		add_header(headers, "If-Range", d->etag);
		return;
	}
	add_header(headers, "If-None-Match", d->plan->etag);
	if (!d->plan->etag)
		add_header(headers, "If-Modified-Since", d->plan->modified);
}

static int ask(struct download *d, struct transfer_answer *ret, struct err *e)
{
	struct list headers = { 0 };
	struct transfer_plan plan = {
		.url = d->plan->url,
		.own_headers = d->plan->headers,
		.headers = &headers,
		.ca_file = d->fetch->source->ca_file,
		.keys = d->plan->keys,
		.region = d->plan->region,
		.deadline = d->fetch->deadline,
		.same_server = d->fetch->source->pushed,
		.on_head = take_head,
		.on_body = take_body,
		.owner = d,
	};

	ask_for_rest(d, &headers);
	int status = transfer_run(&plan, ret, e);
	list_clear(&headers);
	d->fetch->wire_bytes += ret->wire_bytes;
	d->fetch->requests += ret->requests;
	return status;
}

/* A server may send less than it was asked for, RFC 9110 14.2: the rest is asked for again. */
static int check_part(const struct download *d, struct transfer_answer *a, struct err *e)
{
	if (a->status != 206 || d->have == a->total)
		return 0;
	a->again = true;
	return err_set(e, ERR_REMOTE, "the server sent %" PRId64 " bytes of %" PRId64, d->have,
		       a->total);
}

/* A file whose end is the end of the connection could be cut anywhere, and nobody would know. */
static int check_end(const struct download *d, const struct transfer_answer *a, struct err *e)
{
	const struct fetch_source *s = d->fetch->source;

	if (a->has_end || s->sha256 || s->signature)
		return 0;
	return err_set(e, ERR_REMOTE,
		       "the server does not say where the file ends; with \"sha256\" or "
		       "\"signature\" it is known whether it is whole");
}

static void give(const struct transfer_answer *a, struct download_result *ret)
{
	ret->etag = a->etag ? mem_copy(a->etag) : NULL;
	ret->modified = a->modified ? mem_copy(a->modified) : NULL;
	ret->encoding = a->encoding ? mem_copy(a->encoding) : NULL;
	ret->time = a->time;
}

bool download_waits(const struct fetch *f, const struct transfer_answer *a, unsigned failures,
		    const struct err *e)
{
	int64_t wait = FIRST_WAIT_MS << (failures < 8 ? failures : 8);
	char span[CLOCK_TEXT_SIZE];

	if (wait > LONGEST_WAIT_MS)
		wait = LONGEST_WAIT_MS;
	if (!a->again || failures >= (uint64_t)f->source->retries ||
	    clock_ms() + wait >= f->deadline)
		return false;
	if (!f->quiet)
		log_warn("source \"%s\": %s; again in %s", f->source->name, e->text,
			 clock_span(wait, span));
	clock_pause(wait);
	return true;
}

static void drop_part(struct download *d)
{
	free(d->etag);
	d->etag = NULL;
	d->have = 0;
	d->older = d->let_go = d->refused = d->followed = false;
}

/* 1: the answer was of no use, and another question is to be asked, once. */
static int try_once(struct download *d, struct download_result *ret, struct transfer_answer *a,
		    struct err *e)
{
	bool whole = part_is_whole(d), has_part = d->etag && d->have > 0;
	bool asked = d->plan->etag || d->plan->modified;
	int status = ask(d, a, e);

	if (has_part && (d->refused || a->status == 416 || (a->status == 304 && !whole))) {
		drop_part(d);
		return 1;
	}
	if (status < 0)
		return -1;
	if (whole && a->status == 304) {
		/* All of it was here. */
		give(a, ret);
		ret->etag = ret->etag ? ret->etag : mem_copy(d->etag);
		return 0;
	}
	if (a->status == 416 || (a->status == 304 && !asked))
		return err_set(e, ERR_REMOTE, "the server answered with status %d to no condition",
			       a->status);
	if (a->status != 304 && (check_part(d, a, e) < 0 || check_end(d, a, e) < 0))
		return -1;
	give(a, ret);
	if (a->status == 206 && !ret->etag)
		ret->etag = mem_copy(d->etag);
	ret->unchanged = a->status == 304;
	return 0;
}

static int try_often(struct download *d, struct download_result *ret, struct err *e)
{
	for (unsigned failures = 0;;) {
		struct transfer_answer a = { 0 };
		int64_t had = d->have;
		int status = try_once(d, ret, &a, e);
		/* Whoever is cut again and again, but comes nearer, is not failing. */
		if (status < 0 && d->etag && d->have > had)
			failures = 0;
		bool again = status < 0 && download_waits(d->fetch, &a, failures, e);
		transfer_answer_done(&a);
		if (!again && status <= 0)
			return status;
		failures += status < 0;
		if (!d->etag)
			d->have = 0;
		e->kind = ERR_NONE;
	}
}

int download_run(struct fetch *f, const struct download_plan *plan, struct download_result *ret,
		 struct err *e)
{
	struct download d = { .fetch = f, .plan = plan, .fd = -1 };
	int status = open_part(&d, e);

	*ret = (struct download_result){ .time = -1 };
	if (status == 0)
		status = try_often(&d, ret, e);
	/* What cannot be gone on with only takes room. */
	if (!d.have || (status < 0 && !d.etag))
		download_forget(f);
	fd_close(&d.fd);
	free(d.etag);
	return status;
}

void download_result_done(struct download_result *r)
{
	free(r->etag);
	free(r->modified);
	free(r->encoding);
	*r = (struct download_result){ 0 };
}

void download_forget(const struct fetch *f)
{
	(void)unlinkat(f->folder->fd, RECORD, 0);
	(void)unlinkat(f->folder->fd, DOWNLOAD, 0);
}

static int add_small(void *owner, const void *bytes, size_t count, struct err *e)
{
	struct buf *b = owner;

	if (buf_add(b, bytes, count) == 0)
		return 0;
	return err_set(e, ERR_REMOTE, "the answer is larger than %zu bytes", b->limit);
}

int download_small(struct fetch *f, const struct download_plan *plan, struct buf *b, struct err *e)
{
	const struct transfer_plan transfer = {
		.url = plan->url,
		.own_headers = plan->headers,
		.ca_file = f->source->ca_file,
		.keys = plan->keys,
		.region = plan->region,
		.deadline = f->deadline,
		.same_server = f->source->pushed,
		.on_body = add_small,
		.owner = b,
	};

	for (unsigned failures = 0;; failures++) {
		struct transfer_answer a;
		int status = transfer_run(&transfer, &a, e);

		f->wire_bytes += a.wire_bytes;
		f->requests += a.requests;
		if (status < 0)
			buf_clear(b);
		bool again = status < 0 && download_waits(f, &a, failures, e);
		transfer_answer_done(&a);
		if (!again)
			return status;
		e->kind = ERR_NONE;
	}
}
