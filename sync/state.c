/* SPDX-License-Identifier: Apache-2.0 */
/* state: see state.h. */
#include "sync/state.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/manifest.h"
#include "sync/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLISHED "published.json"
#define PUBLISHING "publishing.json"
#define ACKNOWLEDGED "acknowledged.json"
#define MANIFESTS "manifests"
#define RECORD_MOST 4096

char *state_default_path(const char *target)
{
	return mem_format("%s/" STATE_DEFAULT_NAME, target);
}

/* Who else could write here could make us believe anything: what is ours, what was acknowledged. */
static int check_owner(int dir, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_sys(e, "state directory '%s'", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(
			e, ERR_SYSTEM,
			"state directory '%s' belongs to user %u, not to us (%u): remove it, "
			"or set --state",
			path, (unsigned)st.st_uid, (unsigned)geteuid());
	if ((st.st_mode & 077) && st.st_uid == geteuid() &&
	    fchmod(dir, st.st_mode & ENTRY_MODE_BITS & ~077U) < 0)
		return err_sys(e, "close state directory '%s' to others", path);
	return 0;
}

int state_open_existing(struct state *s, const char *path, struct err *e)
{
	owned_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0 && errno == ENOENT)
		return 1;
	if (dir < 0)
		return err_sys(e, "state directory '%s'", path);
	if (check_owner(dir, path, e) < 0)
		return -1;
	s->dir = fd_take(&dir);
	s->path = mem_copy(path);
	return 0;
}

int state_open(struct state *s, const char *path, struct err *e)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make state directory '%s'", path);
	if (state_open_existing(s, path, e) != 0)
		return e->kind == ERR_NONE ? err_sys(e, "state directory '%s'", path) : -1;
	if (mkdirat(s->dir, MANIFESTS, 0700) < 0 && errno != EEXIST) {
		(void)err_sys(e, "make '%s/" MANIFESTS "'", path);
		state_close(s);
		return -1;
	}
	return 0;
}

void state_close(struct state *s)
{
	fd_close(&s->lock);
	fd_close(&s->dir);
	free(s->path);
	s->path = NULL;
}

int state_try_lock(struct state *s, struct err *e)
{
	owned_fd fd = openat(s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(e, "open '%s/lock'", s->path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 1 : err_sys(e, "lock '%s/lock'", s->path);
	s->lock = fd_take(&fd);
	return 0;
}

void state_adopt_lock(struct state *s, int fd)
{
	s->lock = fd;
}

static void take_text(const struct json *j, const char *key, char *to, size_t room)
{
	const char *text = json_text(json_get(j, key));

	/* Cut, it would be another text. */
	if (text && strlen(text) < room)
		(void)snprintf(to, room, "%s", text);
}

/* "" for a file that is missing or damaged; -1 only when it is there and cannot be read. */
static int read_record(const struct state *s, const char *name, struct record *ret, struct err *e)
{
	owned_buf b = BUF_INIT(RECORD_MOST);
	struct digest digest;
	struct record r = { 0 };
	struct err damage;

	*ret = r;
	if (io_read_file(s->dir, name, &b, e) < 0)
		return e->sys == ENOENT || e->sys == 0 ? 0 : -1;
	struct json *j = json_read(b.data, &damage);
	if (!j)
		return 0;
	take_text(j, "digest", r.digest, sizeof(r.digest));
	take_text(j, "at", r.at, sizeof(r.at));
	r.serial = (int64_t)json_count(json_get(j, "serial"));
	r.files = json_count(json_get(j, "files"));
	r.bytes = json_count(json_get(j, "bytes"));
	json_free(j);
	if (digest_parse(r.digest, &digest))
		*ret = r;
	return 0;
}

static struct record shown_record(const struct state *s, const char *name)
{
	struct record r;
	struct err e;

	(void)read_record(s, name, &r, &e); /* empty when it fails */
	return r;
}

int state_load(const struct state *s, struct record *ret_published, bool *ret_cut_off,
	       struct err *e)
{
	struct record publishing, acknowledged;

	if (read_record(s, PUBLISHED, ret_published, e) < 0 ||
	    read_record(s, PUBLISHING, &publishing, e) < 0 ||
	    read_record(s, ACKNOWLEDGED, &acknowledged, e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	*ret_cut_off = publishing.digest[0];
	/* A publication that was cut off did not use its serial up: the published one has
	 * precedence. */
	if (!ret_published->digest[0] && ret_published->serial < publishing.serial)
		ret_published->serial = publishing.serial;
	if (ret_published->serial < acknowledged.serial)
		ret_published->serial = acknowledged.serial;
	return 0;
}

struct record state_published(const struct state *s)
{
	return shown_record(s, PUBLISHED);
}

struct record state_acknowledged(const struct state *s)
{
	return shown_record(s, ACKNOWLEDGED);
}

static int write_record(const struct state *s, const char *name, const struct record *r,
			struct err *e)
{
	struct json *j = json_object();

	json_put_text(j, "digest", r->digest);
	json_put_number(j, "serial", (double)r->serial);
	json_put_text(j, "at", r->at);
	json_put_number(j, "files", (double)r->files);
	json_put_number(j, "bytes", (double)r->bytes);
	owned char *text = json_print(j, true);
	json_free(j);
	return io_replace_file(s->dir, name, text, strlen(text), e);
}

int state_acknowledge(const struct state *s, const struct record *published, struct err *e)
{
	struct record r = *published;

	clock_stamp(r.at);
	if (write_record(s, ACKNOWLEDGED, &r, e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	return 0;
}

static char *manifest_name(const char *digest)
{
	return mem_format(MANIFESTS "/%s", digest);
}

int state_write_manifest(const struct state *s, const char *digest, const struct tree *t,
			 struct err *e)
{
	owned_buf manifest = BUF_INIT(MANIFEST_MOST);
	owned char *name = manifest_name(digest);

	if (manifest_write(t, &manifest, e) < 0 ||
	    io_replace_file(s->dir, name, manifest.data, manifest.length, e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	return 0;
}

int state_begin(const struct state *s, const struct record *r, const struct tree *t, struct err *e)
{
	if (state_write_manifest(s, r->digest, t, e) < 0)
		return -1;
	if (write_record(s, PUBLISHING, r, e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	return 0;
}

int state_commit(const struct state *s, struct err *e)
{
	if (renameat(s->dir, PUBLISHING, s->dir, PUBLISHED) < 0)
		return err_sys(e, "state directory '%s': publish", s->path);
	return 0;
}

int state_manifest(const struct state *s, const char *digest, struct tree *ret, struct err *e)
{
	owned_buf bytes = BUF_INIT(MANIFEST_MOST);
	owned char *name = manifest_name(digest);
	char text[DIGEST_TEXT_SIZE];

	if (io_read_file(s->dir, name, &bytes, e) < 0 ||
	    manifest_read(bytes.data, bytes.length, ret, e) < 0)
		return -1;
	/* Cut between two entries it would be a good one, of another tree. */
	struct digest own = tree_digest(ret);
	if (!text_is(digest_text(&own, text), digest)) {
		tree_done(ret);
		return err_set(e, ERR_SYSTEM, "the manifest is not the one of version %s", digest);
	}
	return 0;
}

int state_manifests(const struct state *s, struct list *digests, struct err *e)
{
	int fd = openat(s->dir, MANIFESTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;
	struct digest digest;

	if (!dir) {
		(void)err_sys(e, "open '%s/" MANIFESTS "'", s->path);
		fd_close(&fd);
		return -1;
	}
	for (errno = 0; (found = readdir(dir)); errno = 0)
		if (digest_parse(found->d_name, &digest))
			list_add(digests, found->d_name);
		else if (found->d_name[0] != '.') /* half written when it was killed */
			(void)unlinkat(dirfd(dir), found->d_name, 0);
	int status = errno ? err_sys(e, "read '%s/" MANIFESTS "'", s->path) : 0;
	(void)closedir(dir);
	return status;
}

void state_tidy(const struct state *s, const char *keep)
{
	struct list digests = { 0 };
	struct err e;

	/* What is not removed now is taken for cut off at the next sync, and removed then. */
	(void)state_manifests(s, &digests, &e);
	for (size_t i = 0; i < digests.count; i++) {
		owned char *name = manifest_name(digests.items[i]);

		if (!text_is(digests.items[i], keep))
			(void)unlinkat(s->dir, name, 0);
	}
	list_clear(&digests);
}
