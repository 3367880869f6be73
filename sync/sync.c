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

static int check_apart(const struct sync *s, const struct sync_settings *settings, struct err *e)
{
	if (is_inside(s->target, s->source))
		return err_set(e, ERR_USAGE, "target '%s' lies in source '%s'", settings->target,
			       settings->source);
	if (is_inside(s->source, s->target))
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
	return open_directory("target", path, &s->target, e);
}

int sync_open(struct sync *s, const struct sync_settings *settings, struct err *e)
{
	owned char *standard = state_default_path(settings->target);
	const char *state = settings->state ? settings->state : standard;

	if (open_directory("source", settings->source, &s->source, e) < 0 ||
	    open_target(s, settings->target, e) < 0 || check_apart(s, settings, e) < 0 ||
	    state_open(&s->state, state, e) < 0)
		return -1;
	if (is_inside(s->state.dir, s->source))
		return err_set(e, ERR_USAGE, "state directory '%s' lies in source '%s'", state,
			       settings->source);
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

/*
 * What is ours in the target. Without the published version's manifest only what cut-off versions
 * left is known; a damaged one of those is nothing we could act on.
 */
static void load_ours(const struct sync *s, const struct sync_notes *notes, struct plan *p)
{
	struct record published = state_published(&s->state);
	struct list digests = { 0 };
	struct err e;

	state_manifests(&s->state, &digests);
	p->ours = mem_alloc((digests.count + 1) * sizeof(*p->ours));
	p->ours_count = 1;
	if (published.digest[0] && state_manifest(&s->state, published.digest, &p->ours[0], &e) < 0)
		sync_note(notes,
			  "cannot tell which files are ours (%s): what earlier versions put into "
			  "the target stays",
			  e.text);
	for (size_t i = 0; i < digests.count; i++) {
		if (text_is(digests.items[i], published.digest))
			continue;
		if (state_manifest(&s->state, digests.items[i], &p->ours[p->ours_count], &e) == 0)
			p->ours_count++;
	}
	list_clear(&digests);
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

static int publish(struct sync *s, struct plan *p, struct beneath *target, struct stage *stage,
		   struct sync_result *ret, struct err *e)
{
	struct record published = state_published(&s->state);
	struct record next = new_record(p, &published);
	bool cut_off = state_publishing(&s->state).digest[0];

	p->visible =
		p->placed || cut_off || has_removals(p) || !text_is(next.digest, published.digest);
	if (!p->visible) {
		ret->published = published;
		return publish_in_place(p, target, stage, &ret->removed, e);
	}
	if (state_begin(&s->state, &next, &p->tree, e) < 0)
		return -1;
	if (publish_in_place(p, target, stage, &ret->removed, e) < 0 ||
	    state_commit(&s->state, e) < 0)
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

static int sync_staged(struct sync *s, struct plan *p, struct stage *stage,
		       const struct sync_notes *notes, struct sync_result *ret, struct err *e)
{
	struct beneath target = beneath_init(s->target);
	int status;

	publish_clean_up(p, &target);
	status = plan_make(p, s->source, &target, stage, e);
	if (status == 0)
		status = publish(s, p, &target, stage, ret, e);
	if (status == 0)
		tell_foreign(p, notes);
	if (stage->owner_lost)
		sync_note(notes, "owners are not kept: this process may not give files away "
				 "(CAP_CHOWN)");
	beneath_done(&target);
	return status;
}

int sync_once(struct sync *s, const struct sync_notes *notes, struct sync_result *ret,
	      struct err *e)
{
	struct stage stage = STAGE_INIT;
	struct plan p = { 0 };
	int status;

	*ret = (struct sync_result){ 0 };
	load_ours(s, notes, &p);
	status = scan_source(s->source, s->reserved, notes, &p.tree, e);
	if (status < 0)
		(void)err_in(e, "source");
	else
		status = stage_open(&stage, s->state.dir, s->target, e);
	if (status == 0)
		status = sync_staged(s, &p, &stage, notes, ret, e);
	stage_close(&stage);
	plan_done(&p);
	return status;
}
