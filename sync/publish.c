/* SPDX-License-Identifier: Apache-2.0 */
/* publish: see publish.h. */
#include "sync/publish.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/text.h"
#include "sync/fill.h"
#include "sync/guard.h"
#include "sync/publish_data.h"
#include "sync/publish_exchange.h"
#include "sync/publish_in_place.h"
#include "sync/work.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const char *label_of(const struct work *w)
{
	if (w->goes_back)
		return w->label;
	if (w->settings->label)
		return w->settings->label;
	for (size_t i = w->layers.count; i-- > 0;)
		if (w->layers.items[i].sealed && w->layers.items[i].seal.label[0])
			return w->layers.items[i].seal.label;
	return "";
}

static bool has_removals(const struct plan *p)
{
	for (size_t k = 0; k < p->ours_count; k++)
		if (p->ours[k].gone_count)
			return true;
	return false;
}

/* That of a seal has been checked, and holds unless names were left out since. */
static struct digest digest_of(const struct work *w)
{
	const struct plan *p = &w->plan;

	if (merge_is_plain(&w->layers.merge) && !(p->foreign && p->foreign_stays))
		return w->layers.items[0].seal.digest;
	return tree_digest(&p->tree);
}

/* When nothing is placed all of the tree is hashed, since it was compared. */
bool publish_is_visible(const struct work *w)
{
	const struct plan *p = &w->plan;
	struct digest digest;
	char text[DIGEST_TEXT_SIZE];

	if (p->placed || p->cut_off || p->unlinked || has_removals(p))
		return true;
	digest = digest_of(w);
	return !text_is(digest_text(&digest, text), w->published.digest);
}

static int put_in_place(struct work *w, struct err *e)
{
	struct retired retired;
	int status = publish_in_place(&w->plan, w->live, &w->stage, &retired, e);

	w->ret->removed = retired.removed;
	if (retired.kept)
		sync_note(w->notes,
			  "kept %" PRIu64 " of the older version's files, changed since they were "
			  "put there, such as '%s'",
			  retired.kept, retired.kept_example);
	return status;
}

int publish_refresh(struct work *w, struct err *e)
{
	struct record r = w->published;

	(void)snprintf(r.label, sizeof(r.label), "%s", label_of(w));
	if (put_in_place(w, e) < 0)
		return -1;
	if (!w->plan.described && state_write_manifest(&w->sync->state, &r, &w->plan.tree, e) < 0)
		return -1;
	if (!text_is(r.label, w->published.label) && state_relabel(&w->sync->state, &r, e) < 0)
		return -1;
	/* One that was killed right after it had published leaves the older version's manifest. */
	state_tidy(&w->sync->state, r.digest);
	w->ret->published = r;
	return 0;
}

static void drop_oldest(struct work *w)
{
	sync_note(w->notes, "dropping kept version %s: the new one needs the room",
		  w->generations.records[w->generations.count - 1].digest);
	(void)generations_drop_oldest(&w->generations);
}

/* Older versions are worth less than a new one, but do not go where that is of no use. */
static int make_room(struct work *w, bool whole, struct err *e)
{
	const struct guard_room nothing = { 0 };

	while (guard_space(&w->plan, w->stage.dir, whole, nothing, e) < 0) {
		struct err other;

		if (e->sys != ENOSPC || w->goes_back || !w->generations.count ||
		    guard_space(&w->plan, w->stage.dir, whole, generations_room(&w->generations),
				&other) < 0)
			return -1;
		drop_oldest(w);
		*e = (struct err){ 0 };
	}
	return 0;
}

static int stage_version(struct work *w, struct err *e)
{
	const struct sync_settings *settings = w->settings;
	const bool in_place = settings->publish == SYNC_PUBLISH_IN_PLACE;
	const struct filling how = { .layers = w->layers.items,
				     .live = w->live,
				     .whole = !in_place || settings->validate.count > 0,
				     .moved_out = in_place,
				     .threads = pool_threads(settings->threads),
				     .notes = w->notes };

	if (make_room(w, how.whole, e) < 0 || fill_stage(&w->plan, &w->stage, &how, e) < 0)
		return -1;
	if (how.whole) {
		if (work_carry(w, w->live, w->stage.tree, WORK_BEFORE_SWITCH, e) < 0)
			return -1;
		/* What was carried has touched the times of directories. */
		if (w->ret->carried && fill_dress_directories(&w->plan, &w->stage, &how, e) < 0)
			return -1;
	}
	if (in_place)
		w->ret->carried = 0; /* only to be looked at: they stay where they are */
	if (!settings->validate.count)
		return 0;
	return guard_validate(&w->plan, &settings->validate, settings->validate_deadline,
			      w->stage.tree, e);
}

static int publish_by_name(struct work *w, const struct record *next, struct err *e)
{
	if (state_begin(&w->sync->state, next, &w->plan.tree, e) < 0)
		return -1;
	if (put_in_place(w, e) < 0 || state_commit(&w->sync->state, e) < 0)
		return err_in(e, "the target is partly new, the next sync finishes it");
	return 0;
}

static int (*const ways[])(struct work *w, const struct record *next, struct err *e) = {
	[SYNC_PUBLISH_IN_PLACE] = publish_by_name,
	[SYNC_PUBLISH_DATA] = publish_data,
	[SYNC_PUBLISH_EXCHANGE] = publish_exchange,
};

/* Even where the record was lost, no live tree has the name of the next one. */
static int64_t next_serial(const struct work *w)
{
	int64_t tree = 0;

	(void)layout_is_tree_name(w->layout.tree, &tree);
	return (tree > w->published.serial ? tree : w->published.serial) + 1;
}

static int describe(const struct work *w, struct record *ret, struct err *e)
{
	struct digest digest = digest_of(w);
	struct record r = { .serial = next_serial(w) };
	struct stat st;

	digest_text(&digest, r.digest);
	clock_stamp(r.at);
	(void)snprintf(r.label, sizeof(r.label), "%s", label_of(w));
	tree_totals(&w->plan.tree, &r.files, &r.bytes);
	/* What will be live at one moment is known again by its root, should a crash come then. */
	if (fstat(w->stage.tree, &st) < 0)
		return err_sys(e, "look at the new version");
	if (w->settings->publish != SYNC_PUBLISH_IN_PLACE)
		r.root = st.st_ino;
	r.mixed = r.root && w->plan.cut_off;
	*ret = r;
	return 0;
}

static uint64_t count_removed(const struct plan *p)
{
	uint64_t removed = 0;

	for (size_t k = 0; k < p->ours_count; k++)
		removed += p->ours[k].gone_count;
	return removed;
}

/* A repair of the same version leaves nothing that is worth to be kept. */
static int keep_published(struct work *w, const struct record *next, struct err *e)
{
	if (!w->settings->keep || !w->published.digest[0] || w->plan.lost ||
	    text_is(next->digest, w->published.digest))
		return 0;
	while (generations_keep(&w->generations, &w->published, &w->plan, w->live, w->notes, e) <
	       0) {
		if (e->sys != ENOSPC && e->sys != EDQUOT)
			return -1;
		owned char *why = mem_copy(e->text);
		*e = (struct err){ 0 };
		if (!w->generations.count) {
			sync_note(w->notes, "version %s cannot be gone back to: %s",
				  w->published.digest, why);
			break;
		}
		drop_oldest(w);
	}
	return 0;
}

int publish(struct work *w, struct err *e)
{
	struct record next;

	if (stage_version(w, e) < 0 || describe(w, &next, e) < 0)
		return -1;
	if (w->settings->publish != SYNC_PUBLISH_IN_PLACE)
		w->ret->removed = count_removed(&w->plan);
	if (keep_published(w, &next, e) < 0 || ways[w->settings->publish](w, &next, e) < 0)
		return -1;
	generations_keep_only(&w->generations, (size_t)w->settings->keep, next.digest);
	state_tidy(&w->sync->state, next.digest);
	next.root = 0;
	next.mixed = false;
	w->ret->published = next;
	w->ret->changed = true;
	w->ret->placed = w->plan.placed;
	w->ret->placed_bytes = w->plan.placed_bytes;
	return 0;
}
