/* SPDX-License-Identifier: Apache-2.0 */
/* sync: see sync.h. */
#include "sync/sync.h"

#include "base/beneath.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/plan.h"
#include "sync/publish.h"
#include "sync/stage.h"
#include "sync/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_directory(const char *what, const char *path, int *ret, struct err *e)
{
	owned_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "%s '%s'", what, path);
	*ret = fd_take(&fd);
	return 0;
}

/* By device and inode of every directory upwards, so that links and bind mounts do not fool it. */
static bool is_inside(int inner, int outer)
{
	owned_fd at = openat(inner, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat wanted, st;
	ino_t last = 0;
	dev_t last_device = 0;

	if (at < 0 || fstat(outer, &wanted) < 0)
		return false;
	while (fstat(at, &st) == 0 && (st.st_ino != last || st.st_dev != last_device)) {
		if (st.st_ino == wanted.st_ino && st.st_dev == wanted.st_dev)
			return true;
		last = st.st_ino;
		last_device = st.st_dev;
		int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return false;
		fd_close(&at);
		at = up;
	}
	return false;
}

/* The directory itself, or the one it would be made in. */
static int open_or_parent(const char *path)
{
	owned char *copy = mem_copy(path);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	return open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Before anything is made: a refusal leaves no directory behind. */
static int check_outside(const struct sync *s, const char *what, const char *path,
			 const struct sync_settings *settings, struct err *e)
{
	owned_fd place = open_or_parent(path);

	if (place >= 0 && is_inside(place, s->source))
		return err_set(e, ERR_USAGE, "%s '%s' lies in source '%s'", what, path,
			       settings->source);
	return 0;
}

static int check_apart(const struct sync *s, const struct sync_settings *settings,
		       const char *state, struct err *e)
{
	owned_fd target = open(settings->target, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (check_outside(s, "target", settings->target, settings, e) < 0 ||
	    check_outside(s, "state directory", state, settings, e) < 0)
		return -1;
	if (target >= 0 && is_inside(s->source, target))
		return err_set(e, ERR_USAGE, "source '%s' lies in target '%s'", settings->source,
			       settings->target);
	return 0;
}

/* The path of inner below outer as text, NULL when it is not below. */
static char *path_below(const char *inner, const char *outer)
{
	owned char *real_inner = realpath(inner, NULL);
	owned char *real_outer = realpath(outer, NULL);

	if (!real_inner || !real_outer || !text_starts(real_inner, real_outer))
		return NULL;
	const char *rest = real_inner + strlen(real_outer);
	return *rest == '/' ? mem_copy(rest + 1) : NULL;
}

static int open_target(struct sync *s, const char *path, struct err *e)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make target '%s'", path);
	if (open_directory("target", path, &s->target, e) < 0)
		return -1;
	/* Now, since with a state directory elsewhere the first rename would be what finds out. */
	if (access(path, W_OK | X_OK) < 0 && (errno == EACCES || errno == EROFS))
		return err_sys(e, "write to target '%s'", path);
	return 0;
}

int sync_open(struct sync *s, const struct sync_settings *settings, struct err *e)
{
	owned char *standard = state_default_path(settings->target);
	const char *state = settings->state ? settings->state : standard;

	if (open_directory("source", settings->source, &s->source, e) < 0 ||
	    check_apart(s, settings, state, e) < 0 || open_target(s, settings->target, e) < 0 ||
	    state_open(&s->state, state, e) < 0)
		return -1;
	s->reserved = path_below(state, settings->target);
	return 0;
}

void sync_close(struct sync *s)
{
	fd_close(&s->source);
	fd_close(&s->target);
	state_close(&s->state);
	free(s->reserved);
	s->reserved = NULL;
}

/* A damaged manifest is as good as none; one that cannot be read may be readable soon. */
static int load_manifest(const struct sync *s, const char *digest, struct tree *ret,
			 const struct sync_notes *notes, struct err *e)
{
	if (state_manifest(&s->state, digest, ret, e) == 0)
		return 0;
	if (e->sys && e->sys != ENOENT)
		return err_in(e, "state directory '%s'", s->state.path);
	sync_note(notes, "cannot tell which files version %s put here (%s): they stay", digest,
		  e->text);
	return 1;
}

/* What is ours in the target: the published version's names first, then those of cut-off ones. */
static int load_ours(const struct sync *s, const struct record *published,
		     const struct sync_notes *notes, struct plan *p, struct err *e)
{
	struct list digests = { 0 };
	int status = state_manifests(&s->state, &digests, e);

	p->ours = mem_alloc((digests.count + 1) * sizeof(*p->ours));
	p->ours_count = 1;
	if (status == 0 && published->digest[0])
		status = load_manifest(s, published->digest, &p->ours[0], notes, e);
	p->lost = status == 1;
	for (size_t i = 0; i < digests.count && status >= 0; i++) {
		if (text_is(digests.items[i], published->digest))
			continue;
		status = load_manifest(s, digests.items[i], &p->ours[p->ours_count], notes, e);
		p->ours_count += status == 0;
	}
	list_clear(&digests);
	return status < 0 ? -1 : 0;
}

static bool has_removals(const struct plan *p)
{
	for (size_t k = 0; k < p->ours_count; k++)
		for (size_t i = 0; i < p->ours[k].count; i++)
			if (!tree_find(&p->tree, p->ours[k].entries[i].path))
				return true;
	return false;
}

static struct record new_record(const struct plan *p, const struct record *published)
{
	struct digest digest = tree_digest(&p->tree);
	struct record r = { .serial = published->serial + 1 };

	digest_text(&digest, r.digest);
	clock_stamp(r.at);
	tree_totals(&p->tree, &r.files, &r.bytes);
	return r;
}

static int put_in_place(const struct plan *p, struct beneath *target, struct stage *stage,
			const struct sync_notes *notes, struct sync_result *ret, struct err *e)
{
	struct publish_changes changes;
	int status = publish_in_place(p, target, stage, &changes, e);

	ret->removed = changes.removed;
	if (changes.kept)
		sync_note(notes,
			  "kept %" PRIu64 " of the older version's files, changed since they were "
			  "put there, such as '%s'",
			  changes.kept, changes.kept_example);
	return status;
}

static int publish(struct sync *s, struct plan *p, const struct record *published,
		   struct beneath *target, struct stage *stage, const struct sync_notes *notes,
		   struct sync_result *ret, struct err *e)
{
	struct record next = new_record(p, published);

	p->visible = p->placed || p->cut_off || has_removals(p) ||
		     !text_is(next.digest, published->digest);
	if (!p->visible) {
		ret->published = *published;
		if (p->lost && state_write_manifest(&s->state, published->digest, &p->tree, e) < 0)
			return -1;
		return put_in_place(p, target, stage, notes, ret, e);
	}
	if (state_begin(&s->state, &next, &p->tree, e) < 0)
		return -1;
	if (put_in_place(p, target, stage, notes, ret, e) < 0 || state_commit(&s->state, e) < 0)
		return err_in(e, "the target is partly new, the next sync finishes it");
	state_tidy(&s->state, next.digest);
	ret->published = next;
	ret->changed = true;
	ret->placed = p->placed;
	ret->placed_bytes = p->placed_bytes;
	return 0;
}

static void tell_foreign(const struct plan *p, const struct sync_notes *notes)
{
	if (p->foreign)
		sync_note(notes,
			  "replaced %" PRIu64 " thing%s in the target that %s not ours, such as "
			  "'%s'",
			  p->foreign, p->foreign == 1 ? "" : "s", p->foreign == 1 ? "was" : "were",
			  p->foreign_example);
}

static int sync_staged(struct sync *s, struct plan *p, const struct record *published,
		       struct stage *stage, const struct sync_notes *notes, struct sync_result *ret,
		       struct err *e)
{
	struct beneath target = beneath_init(s->target);
	int status;

	if (p->cut_off)
		publish_clean_up(p, &target);
	status = plan_make(p, s->source, &target, stage, e);
	if (status == 0)
		status = publish(s, p, published, &target, stage, notes, ret, e);
	if (status == 0)
		tell_foreign(p, notes);
	if (stage->owner_lost)
		sync_note(notes, "owners are not kept: this process may not give files away "
				 "(CAP_CHOWN)");
	beneath_done(&target);
	return status;
}

static int scan(const struct sync *s, const struct sync_notes *notes, struct plan *p, struct err *e)
{
	const struct scan_place place = { s->source, s->target, s->state.dir, s->reserved };

	return scan_source(&place, notes, &p->tree, e) < 0 ? err_in(e, "source") : 0;
}

int sync_once(struct sync *s, const struct sync_notes *notes, struct sync_result *ret,
	      struct err *e)
{
	struct record published;
	struct stage stage = STAGE_INIT;
	struct plan p = { 0 };
	int status;

	*ret = (struct sync_result){ 0 };
	status = state_load(&s->state, &published, &p.cut_off, e);
	if (status == 0)
		status = load_ours(s, &published, notes, &p, e);
	if (status == 0)
		status = scan(s, notes, &p, e);
	if (status == 0)
		status = stage_open(&stage, s->state.dir, s->target, e);
	if (status == 0)
		status = sync_staged(s, &p, &published, &stage, notes, ret, e);
	stage_close(&stage);
	plan_done(&p);
	return status;
}
