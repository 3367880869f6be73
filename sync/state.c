/* SPDX-License-Identifier: Apache-2.0 */
/* state: see state.h. */
#include "sync/state.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/manifest.h"
#include "sync/scan.h"
#include "sync/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLISHED "published.json"
#define PUBLISHING "publishing.json"
#define ACKNOWLEDGED "acknowledged.json"
#define MANIFESTS "manifests"
#define MIGRATING "migrating"
#define REJECTED "rejected"
#define FAILED "failed"
#define PROBES "probes"
#define PROBES_MOST ((size_t)64 * 1024)
#define FAILED_MOST ((size_t)2048)
#define REJECTED_MOST ((size_t)100 * DIGEST_TEXT_SIZE)

/* The links on the way followed, as far as there is something. */
static char *real_path(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : mem_copy(path);
}

char *state_path_beside(const char *target)
{
	owned char *real = real_path(target);
	owned char *copy = mem_copy(real);
	owned char *name = mem_copy(basename(copy));

	return mem_format("%s/" STATE_DEFAULT_NAME "-%s", dirname(real), name);
}

char *state_default_path(const char *target)
{
	char *beside = state_path_beside(target);
	struct stat st;

	if (lstat(beside, &st) == 0 && S_ISDIR(st.st_mode))
		return beside;
	free(beside);
	return mem_format("%s/" STATE_DEFAULT_NAME, target);
}

int state_move(struct state *s, const char *path, struct err *e)
{
	if (rename(s->path, path) < 0)
		return err_sys(e, "move state directory '%s' to '%s'", s->path, path);
	free(s->path);
	s->path = mem_copy(path);
	return 0;
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

int state_place(int state, int target, const char *name, char ret_name[STATE_NAME_ROOM])
{
	struct stat a, b;
	bool near = fstat(state, &a) == 0 && fstat(target, &b) == 0 && a.st_dev == b.st_dev;

	(void)snprintf(ret_name, STATE_NAME_ROOM, "%s%s", near ? "" : SCAN_OWN_PREFIX, name);
	return near ? state : target;
}

bool state_is_there(const struct state *s)
{
	struct stat st;

	return fstat(s->dir, &st) == 0 && st.st_nlink > 0;
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
	/* It came through exec; no command of ours may keep it. */
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	s->lock = fd;
}

static struct record shown_record(const struct state *s, const char *name)
{
	struct record r;
	struct err e;

	(void)record_read(s->dir, name, &r, &e); /* empty when it fails */
	return r;
}

int state_load(const struct state *s, struct record *ret_published, struct record *ret_cut_off,
	       struct err *e)
{
	struct record acknowledged;

	(void)unlinkat(s->dir, PUBLISHING ".new", 0); /* half written when it was killed */
	if (record_read(s->dir, PUBLISHED, ret_published, e) < 0 ||
	    record_read(s->dir, PUBLISHING, ret_cut_off, e) < 0 ||
	    record_read(s->dir, ACKNOWLEDGED, &acknowledged, e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	/* A publication that was cut off did not use its serial up: the published one has
	 * precedence. */
	if (!ret_published->digest[0] && ret_published->serial < ret_cut_off->serial)
		ret_published->serial = ret_cut_off->serial;
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

int state_acknowledge(const struct state *s, const struct record *published, struct err *e)
{
	struct record r = *published;

	clock_stamp(r.at);
	if (record_write(s->dir, ACKNOWLEDGED, &r, e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	return 0;
}

char *state_manifest_name(const char *digest)
{
	return mem_format(MANIFESTS "/%s", digest);
}

static int write_manifest(const struct state *s, const char *name, const struct tree *t,
			  const struct manifest_head *head, struct err *e)
{
	owned_fd fd =
		openat(s->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? err_sys(e, "open") : manifest_write_file(t, head, fd, e);
}

/* By a temporary name, as io_replace_file() does it. */
int state_write_manifest(const struct state *s, const struct record *r, const struct tree *t,
			 struct err *e)
{
	owned char *name = state_manifest_name(r->digest);
	owned char *temporary = mem_format("%s.new", name);
	struct manifest_head head = { 0 };
	int status;

	(void)digest_parse(r->digest, &head.digest);
	(void)snprintf(head.label, sizeof(head.label), "%s", r->label);
	status = write_manifest(s, temporary, t, &head, e);
	if (status == 0 && renameat(s->dir, temporary, s->dir, name) < 0)
		status = err_sys(e, "rename");
	if (status == 0)
		return 0;
	(void)unlinkat(s->dir, temporary, 0);
	return err_in(e, "state directory '%s': write '%s'", s->path, name);
}

int state_relabel(const struct state *s, const struct record *published, struct err *e)
{
	if (record_write(s->dir, PUBLISHED, published, e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	return 0;
}

bool state_is_tidy(const struct state *s, const char *digest)
{
	struct list digests = { 0 };
	struct err e;
	bool tidy = state_manifests(s, &digests, &e) == 0 && digests.count == 1 &&
		    text_is(digests.items[0], digest);

	list_clear(&digests);
	return tidy && !io_is_there(s->dir, STATE_STAGE) && !io_is_there(s->dir, PUBLISHING) &&
	       !state_is_migrating(s);
}

bool state_is_migrating(const struct state *s)
{
	return io_is_there(s->dir, MIGRATING);
}

int state_begin_migration(const struct state *s, struct err *e)
{
	owned_fd fd = openat(s->dir, MIGRATING, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? err_sys(e, "make '%s/" MIGRATING "'", s->path) : 0;
}

int state_end_migration(const struct state *s, struct err *e)
{
	return unlinkat(s->dir, MIGRATING, 0) < 0 ? err_sys(e, "remove '%s/" MIGRATING "'", s->path)
						  : 0;
}

/* One digest a line. */
static char *rejected(const struct state *s)
{
	owned_buf b = BUF_INIT(REJECTED_MOST);
	struct err e;

	return io_read_regular(s->dir, REJECTED, &b, &e) < 0 || !b.length ? mem_copy("")
									  : mem_copy(b.data);
}

bool state_has_rejected(const struct state *s)
{
	return io_is_there(s->dir, REJECTED);
}

bool state_is_rejected(const struct state *s, const char *digest)
{
	owned char *digests = rejected(s);

	return *digest && strstr(digests, digest);
}

int state_reject(const struct state *s, const char *digest, struct err *e)
{
	owned char *digests = rejected(s);
	/* The oldest go, should there ever be so many. */
	size_t length = strlen(digests);
	const char *from =
		length + DIGEST_TEXT_SIZE > REJECTED_MOST ? digests + DIGEST_TEXT_SIZE : digests;
	owned char *all = mem_format("%s%s\n", from, digest);

	if (!*digest || strstr(digests, digest))
		return 0;
	if (io_replace_file(s->dir, REJECTED, all, strlen(all), e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	return 0;
}

void state_forgive(const struct state *s)
{
	(void)unlinkat(s->dir, REJECTED, 0);
}

int state_fail(const struct state *s, const char *digest, const char *why, struct err *e)
{
	owned char *text = mem_format("%s %.*s", digest, (int)FAILED_MOST / 2, why);

	if (io_replace_file(s->dir, FAILED, text, strlen(text), e) < 0)
		return err_in(e, "state directory '%s'", s->path);
	return 0;
}

void state_unfail(const struct state *s)
{
	(void)unlinkat(s->dir, FAILED, 0);
}

char *state_failed(const struct state *s, char ret_digest[DIGEST_TEXT_SIZE])
{
	owned_buf b = BUF_INIT(FAILED_MOST);
	struct err e;

	if (io_read_regular(s->dir, FAILED, &b, &e) < 0 || b.length < DIGEST_TEXT_SIZE ||
	    strlen(b.data) != b.length)
		return NULL;
	memcpy(ret_digest, b.data, DIGEST_TEXT_SIZE - 1);
	ret_digest[DIGEST_TEXT_SIZE - 1] = '\0';
	return mem_copy(b.data + DIGEST_TEXT_SIZE);
}

char *state_probes(const struct state *s)
{
	owned_buf b = BUF_INIT(PROBES_MOST);
	struct err e;

	if (s->dir < 0 || io_read_regular(s->dir, PROBES, &b, &e) < 0)
		return NULL;
	return buf_take(&b);
}

int state_save_probes(const struct state *s, const char *text, struct err *e)
{
	if (strlen(text) <= PROBES_MOST &&
	    io_replace_file(s->dir, PROBES, text, strlen(text), e) == 0)
		return 0;
	(void)unlinkat(s->dir, PROBES, 0);
	return err_in(e, "state directory '%s'", s->path);
}

int state_abandon(const struct state *s, const struct record *cut_off, struct err *e)
{
	struct record published = state_published(s);
	owned char *name = state_manifest_name(cut_off->digest);

	if (cut_off->mixed)
		return 0; /* what is in the target has to be known still */
	if (!text_is(published.digest, cut_off->digest))
		(void)unlinkat(s->dir, name, 0);
	if (unlinkat(s->dir, PUBLISHING, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove '%s/" PUBLISHING "'", s->path);
	return 0;
}

int state_begin(const struct state *s, const struct record *r, const struct tree *t, struct err *e)
{
	if (state_write_manifest(s, r, t, e) < 0)
		return -1;
	if (record_write(s->dir, PUBLISHING, r, e) < 0)
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
	owned char *name = state_manifest_name(digest);
	owned_fd fd =
		openat(s->dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct manifest_head head;
	char text[DIGEST_TEXT_SIZE];

	if (fd < 0)
		return err_sys(e, "open '%s'", name);
	if (manifest_read_file(fd, &head, ret, e) < 0)
		return err_in(e, "'%s'", name);
	if (text_is(digest_text(&head.digest, text), digest))
		return 0;
	tree_done(ret);
	return err_set(e, ERR_SYSTEM, "the manifest is not the one of version %s", digest);
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
		owned char *name = state_manifest_name(digests.items[i]);

		if (!text_is(digests.items[i], keep))
			(void)unlinkat(s->dir, name, 0);
	}
	list_clear(&digests);
}
