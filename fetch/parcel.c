/* SPDX-License-Identifier: Apache-2.0 */
/* parcel: see parcel.h. */
#include "fetch/parcel.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "fetch/arrival.h"
#include "fetch/download.h"
#include "fetch/source.h"
#include "fetch/tree.h"
#include "fetch/trust.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_url(const char *text)
{
	return text_starts(text, "http://") || text_starts(text, "https://");
}

static int get_signature(struct fetch *f, struct buf *b, struct err *e)
{
	const struct download_plan plan = { .url = f->source->signature };

	if (!is_url(f->source->signature))
		return io_read_file(AT_FDCWD, f->source->signature, b, e);
	return download_small(f, &plan, b, e);
}

/* By which it is signed. */
static int note_key(struct fetch *f, struct err *e)
{
	struct trust_digest digest;
	char text[TRUST_TEXT_SIZE];

	if (trust_key_file(f->source->public_key, &digest, e) < 0)
		return -1;
	free(f->next.public_key);
	f->next.public_key = mem_copy(trust_text(&digest, text));
	return 0;
}

static int check_signature(struct fetch *f, const struct trust_digest *digest, struct err *e)
{
	owned_buf signature = BUF_INIT(TRUST_SIGNATURE_MOST);

	if (!f->source->signature)
		return 0;
	if (get_signature(f, &signature, e) < 0)
		return err_in(e, "signature");
	/* First: of a key that is replaced just now it is asked again. */
	if (note_key(f, e) < 0)
		return -1;
	return trust_signed(f->source->public_key, digest, signature.data, signature.length, e);
}

int parcel_check_key(struct fetch *f, struct err *e)
{
	struct trust_digest digest;

	if (!f->source->signature)
		return 0;
	if (note_key(f, e) < 0)
		return -1;
	if (f->known->public_key && text_is(f->known->public_key, f->next.public_key))
		return 0;
	if (!trust_parse(f->known->sha256, &digest))
		return err_set(e, ERR_REMOTE, "'%s' has no SHA-256 of it", f->folder->path);
	return check_signature(f, &digest, e) < 0
		       ? err_in(e, "what is there, by the public key as it is now")
		       : 0;
}

static int check_content(struct arrival *a, int fd, struct err *e)
{
	struct fetch *f = a->fetch;
	struct trust_digest digest, wanted;
	char text[TRUST_TEXT_SIZE];

	if (!arrival_digest_is_wanted(f->source, f->next.etag || f->next.modified)) {
		f->next.digest = arrival_quick_digest(a);
		return 0;
	}
	if (arrival_digest(a, fd, &digest, e) < 0)
		return -1;
	(void)trust_text(&digest, text);
	if (f->source->sha256 &&
	    (!trust_parse(f->source->sha256, &wanted) || !trust_equal(&digest, &wanted)))
		return err_set(e, ERR_REMOTE, "its SHA-256 is %s and not the wanted one", text);
	free(f->next.sha256);
	f->next.sha256 = mem_copy(text);
	return check_signature(f, &digest, e);
}

/* Servers that share the work often have other marks for the same file. */
static bool is_as_before(const struct fetch *f)
{
	const struct cache_state *known = f->known, *next = &f->next;

	return (known->sha256 && text_is(known->sha256, next->sha256)) ||
	       (known->digest && text_is(known->digest, next->digest));
}

/* It is moved when it is ours; it is no archive, so there is no copying it from elsewhere. */
static int place_file(struct fetch *f, const struct parcel *p, int fd, int tree, struct err *e)
{
	const char *name = f->source->file ? f->source->file : p->name;
	const char *last = text_last_part(name);
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = p->time } };

	if (!fetch_path_is_sound(name))
		return err_set(e, ERR_REMOTE, "'%s' is no name for a file; \"file\" gives another",
			       name);
	if (tree_make_parents(tree, name, e) < 0)
		return -1;
	if (fchmod(fd, 0644) < 0 || (p->time >= 0 && futimens(fd, times) < 0) ||
	    renameat(f->folder->fd, p->moved, tree, name) < 0)
		return err_sys(e, "place '%s'", last);
	return 0;
}

/* Some servers say gzip of what is stored so, which it is kept as. */
static int check_encoding(const struct parcel *p, struct err *e)
{
	if (!p->encoding || text_ends(p->name, "gz") || text_ends(p->name, ".zst"))
		return 0;
	return err_set(e, ERR_REMOTE, "the server sent it encoded as '%s', which was not asked for",
		       p->encoding);
}

static bool is_archive(const struct fetch_source *s, const char *name)
{
	return s->unpack == REQUEST_UNPACK_TRUE ||
	       (s->unpack == REQUEST_UNPACK_BY_NAME && !s->file && unpack_is_name(name));
}

static enum source_fill open_arrived(struct arrival *a, const struct parcel *p, int fd,
				     struct err *e)
{
	struct fetch *f = a->fetch;
	bool archive = p->archive || is_archive(f->source, p->name);

	if (check_encoding(p, e) < 0 || check_content(a, fd, e) < 0)
		return SOURCE_FILL_FAILED;
	if (is_as_before(f))
		return SOURCE_AS_BEFORE;
	int status = archive ? arrival_unpack(a, fd, e) : place_file(f, p, fd, a->tree, e);
	return status < 0 ? SOURCE_FILL_FAILED : SOURCE_FILLED;
}

/* A file of an image is often the same in the next one: then its digest is enough, and comes first.
 */
enum source_fill parcel_open(struct fetch *f, const struct parcel *p, int fd, int tree,
			     struct err *e)
{
	struct arrival a = arrival_init(f, p->name, tree);
	enum source_fill status = SOURCE_FILL_FAILED;

	if (f->known->sha256 || f->source->signature || arrival_is_there(&a, fd, e) == 0)
		status = open_arrived(&a, p, fd, e);
	arrival_done(&a);
	return status;
}

/* On the heap. */
static char *version_of(const struct cache_state *s)
{
	if (s->etag)
		return mem_copy(s->etag);
	return s->sha256 ? mem_format("sha256:%s", s->sha256) : mem_copy(s->modified);
}

/* What has the wrong content, or is not all there, is not gone on with the next time. */
static enum source_fill open_download(struct arrival *a, const struct download_result *r,
				      struct err *e)
{
	struct fetch *f = a->fetch;
	const struct parcel parcel = {
		.name = a->name, .moved = DOWNLOAD, .encoding = r->encoding, .time = r->time
	};
	owned_fd fd = openat(f->folder->fd, DOWNLOAD, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return (enum source_fill)err_sys(e, "open '%s/" DOWNLOAD "'", f->folder->path);
	enum source_fill status = open_arrived(a, &parcel, fd, e);
	if (status == SOURCE_AS_BEFORE || e->kind == ERR_REMOTE || a->let_go)
		download_forget(f);
	if (status >= 0)
		f->next.version = version_of(&f->next);
	return status;
}

enum source_fill parcel_fetch(struct fetch *f, const struct download_plan *plan, const char *name,
			      int tree, struct err *e)
{
	struct arrival a = arrival_init(f, name, tree);
	const struct download_follower follower = arrival_follower(&a);
	struct download_plan followed = *plan;
	struct download_result r;

	/*
	 * What has a signature is looked at when that is right. And from a server that cannot say
	 * so, it is likely to be what is there already.
	 */
	a.early = is_archive(f->source, name) && !f->source->signature &&
		  (!f->known->sha256 || plan->etag || plan->modified);
	followed.follower = &follower;
	enum source_fill status = (enum source_fill)download_run(f, &followed, &r, e);

	if (status == SOURCE_FILLED && r.unchanged) {
		status = parcel_check_key(f, e) < 0 ? SOURCE_FILL_FAILED : SOURCE_AS_BEFORE;
	} else if (status == SOURCE_FILLED) {
		f->next.etag = mem_take(r.etag);
		f->next.modified = mem_take(r.modified);
		status = open_download(&a, &r, e);
	}
	arrival_done(&a);
	download_result_done(&r);
	return status;
}
