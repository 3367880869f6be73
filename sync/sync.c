/* SPDX-License-Identifier: Apache-2.0 */
/* sync: see sync.h. */
#include "sync/sync.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/text.h"
#include "sync/guard.h"
#include "sync/migrate.h"
#include "sync/place.h"
#include "sync/publish.h"
#include "sync/publish_data.h"
#include "sync/publish_exchange.h"
#include "sync/rollback.h"
#include "sync/settle.h"
#include "sync/work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

/* ---- what is to be published ---- */

static struct scan_place scan_place(const struct work *w)
{
	return (struct scan_place){ .source = -1,
				    .target = w->target,
				    .state = w->sync->state.dir,
				    .reserved = w->sync->reserved,
				    .exclude = &w->settings->exclude };
}

/* With --verify none a seal is believed; so it tells at once that there is nothing to do. */
static bool is_known_to_be_published(const struct work *w)
{
	const struct manifest_head *seal = &w->layers.items[0].seal;
	char digest[DIGEST_TEXT_SIZE];

	return w->settings->verify == VERIFY_NONE && merge_is_plain(&w->layers.merge) &&
	       !w->plan.cut_off && !w->resumed && !migrate_is_needed(w) &&
	       !state_has_rejected(&w->sync->state) &&
	       text_is(digest_text(&seal->digest, digest), w->published.digest) &&
	       (w->settings->label || text_is(seal->label, w->published.label)) &&
	       state_is_tidy(&w->sync->state, w->published.digest);
}

/* What the head of a seal says has been asked for already, and may have been believed. */
static int check_seal_digest(const struct work *w, struct err *e)
{
	const struct layer *only = &w->layers.items[0];
	struct digest digest;

	if (!merge_is_plain(&w->layers.merge))
		return 0;
	digest = tree_digest(&w->plan.tree);
	if (digest_equal(&digest, &only->seal.digest))
		return 0;
	return err_set(e, ERR_USAGE, "source '%s': seal: its digest is not that of its entries",
		       only->spec);
}

static int load_sources(struct work *w, struct err *e)
{
	const struct scan_place place = scan_place(w);

	if (layers_load(&w->layers, w->settings, &place, w->notes, e) < 0 ||
	    (state_has_rejected(&w->sync->state) && layers_hash(&w->layers, w->settings, e) < 0) ||
	    merge_layers(&w->layers.merge, &w->plan.tree, e) < 0)
		return -1;
	return check_seal_digest(w, e);
}

/* ---- what the target has ---- */

/* A damaged manifest is as good as none; one that cannot be read may be readable soon. */
static int load_manifest(struct work *w, const char *digest, struct tree *ret, struct err *e)
{
	if (state_manifest(&w->sync->state, digest, ret, e) == 0)
		return 0;
	if (e->sys && e->sys != ENOENT)
		return err_in(e, "state directory '%s'", w->sync->state.path);
	sync_note(w->notes, "cannot tell which files version %s put here (%s): they stay", digest,
		  e->text);
	return 1;
}

/* What is ours in the target: the published version's names first, then those of cut-off ones. */
static int load_ours(struct work *w, struct err *e)
{
	struct plan *p = &w->plan;
	struct list digests = { 0 };
	int status = state_manifests(&w->sync->state, &digests, e);

	p->ours = mem_alloc((digests.count + 1) * sizeof(*p->ours));
	p->ours_count = 1;
	if (status == 0 && w->published.digest[0])
		status = load_manifest(w, w->published.digest, &p->ours[0].tree, e);
	p->lost = status == 1;
	for (size_t i = 0; i < digests.count && status >= 0; i++) {
		if (text_is(digests.items[i], w->published.digest))
			continue;
		status = load_manifest(w, digests.items[i], &p->ours[p->ours_count].tree, e);
		p->ours_count += status == 0;
	}
	list_clear(&digests);
	return status < 0 ? -1 : 0;
}

static void tell_foreign(const struct work *w)
{
	const struct plan *p = &w->plan;

	if (p->foreign)
		sync_note(w->notes,
			  "%s %" PRIu64 " thing%s in the target that %s not ours, such as '%s'",
			  p->foreign_stays ? "kept" : "replaced", p->foreign,
			  p->foreign == 1 ? "" : "s", p->foreign == 1 ? "was" : "were",
			  p->foreign_example);
}

/* A target that is partly another version's is not as the manifest says. */
static enum verify_how verify_of(const struct work *w)
{
	const enum verify_how how = (enum verify_how)w->settings->verify;

	return w->plan.cut_off && how == VERIFY_NONE ? VERIFY_STAT : how;
}

static int make_plan(struct work *w, struct err *e)
{
	const struct planning how = {
		.layers = w->layers.items,
		.target = w->live,
		.links = w->settings->publish == SYNC_PUBLISH_DATA ? w->target : -1,
		.device = w->stage.device,
		.owners = &w->stage.owners,
		.how = verify_of(w),
		.threads = pool_threads(w->settings->threads),
		.notes = w->notes,
	};

	if (w->plan.cut_off)
		place_clean_up(&w->plan, w->live);
	if (plan_make(&w->plan, &how, e) < 0)
		return -1;
	w->plan.visible = publish_is_visible(w);
	return 0;
}

/* ---- what a crash has left ---- */

/* A version that is switched to at one moment is there, or nothing of it is. */
static int recover(struct work *w, struct record *cut_off, struct err *e)
{
	if (!cut_off->root) {
		w->plan.cut_off = cut_off->digest[0];
		return 0;
	}
	if (!publish_data_was_done(w, cut_off) && !publish_exchange_was_done(w, cut_off)) {
		w->plan.cut_off = cut_off->mixed;
		return publish_data_undo(w, cut_off, e);
	}
	sync_note(w->notes, "version %s had become live as the last sync ended: finishing it",
		  cut_off->digest);
	w->before = w->published;
	w->published = *cut_off;
	w->published.root = 0;
	w->published.mixed = false;
	w->resumed = true;
	return 0;
}

static int clean_up(struct work *w, struct err *e)
{
	if (publish_data_clean_up(w, e) < 0 || migrate_clean_up(w, e) < 0)
		return -1;
	/* Only now: until then the next sync has to know of it. */
	return w->resumed ? state_commit(&w->sync->state, e) : 0;
}

/* ---- all of it ---- */

/* A version that was gone back from is not what the target has: it waits for another one. */
static bool is_held(struct work *w)
{
	struct digest digest;
	char text[DIGEST_TEXT_SIZE];

	if (w->settings->force || w->goes_back || !state_has_rejected(&w->sync->state))
		return false;
	digest = tree_digest(&w->plan.tree);
	(void)digest_text(&digest, text);
	w->ret->held =
		!text_is(text, w->published.digest) && state_is_rejected(&w->sync->state, text);
	return w->ret->held;
}

/* With nothing published yet, or all of it gone, there is nothing to compare a tree with. */
static int open_live(struct work *w, struct err *e)
{
	if (w->settings->publish == SYNC_PUBLISH_DATA &&
	    (!w->layout.data || !io_is_there(w->target, w->layout.tree)))
		w->live = openat(w->stage.tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		w->live = layout_open(w->target, &w->layout, e);
	return w->live < 0 && e->kind == ERR_NONE ? err_sys(e, "open the stage") : w->live;
}

static int sync_staged(struct work *w, struct err *e)
{
	if ((migrate_is_needed(w) && migrate(w, e) < 0) || open_live(w, e) < 0 ||
	    (w->goes_back && rollback_open(w, e) < 0) || clean_up(w, e) < 0 || make_plan(w, e) < 0)
		return -1;
	/* Without what the game's files are in the way of it can be another version. */
	if (w->plan.foreign && is_held(w))
		return 0;
	if ((w->plan.visible ? publish(w, e) : publish_refresh(w, e)) < 0)
		return -1;
	tell_foreign(w);
	return 0;
}

static int sync_loaded(struct work *w, struct err *e)
{
	int status = 0;

	plan_link(&w->plan);
	if (!w->settings->force && !w->goes_back)
		status = guard_shrink(&w->plan, w->settings->shrink_limit, e);
	if (status == 0 && w->settings->publish == SYNC_PUBLISH_EXCHANGE)
		status = publish_exchange_check(w, e);
	if (status == 0 && w->resumed)
		status = publish_exchange_clean_up(w, e);
	if (status == 0)
		status = stage_open(&w->stage, w->sync->state.dir, w->target, e);
	if (status == 0)
		status = sync_staged(w, e);
	if (status == 0 && !w->plan.tree.count)
		sync_note(w->notes, "the source is empty: the game gets no file");
	if (w->stage.owners.lost)
		sync_note(w->notes, "owners are not kept: this process may not give files away "
				    "(CAP_CHOWN)");
	stage_close(&w->stage);
	return status;
}

static int open_work(struct work *w, struct err *e)
{
	const char *target = w->settings->target;
	struct record cut_off;

	w->target = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->target < 0)
		return err_sys(e, "target '%s'", target);
	if (layout_read(w->target, &w->layout, e) < 0 ||
	    state_load(&w->sync->state, &w->published, &cut_off, e) < 0 ||
	    old_trees_open(&w->old_trees, w->sync->state.dir, w->target, e) < 0 ||
	    generations_open(&w->generations, w->sync->state.dir, w->target, e) < 0 ||
	    recover(w, &cut_off, e) < 0)
		return -1;
	generations_clean_up(&w->generations);
	w->ret->published = w->published;
	return 0;
}

static void close_work(struct work *w)
{
	/* In between, what a migration has put aside is not all brought back yet. */
	if (!state_is_migrating(&w->sync->state))
		w->ret->old_trees = old_trees_sweep(&w->old_trees, w->settings->grace);
	generations_close(&w->generations);
	old_trees_close(&w->old_trees, w->sync->state.dir);
	fd_close(&w->live);
	fd_close(&w->target);
	plan_done(&w->plan);
	layers_close(&w->layers);
}

static struct work new_work(struct sync *s, const struct sync_settings *settings,
			    const struct sync_notes *notes, struct sync_result *ret)
{
	*ret = (struct sync_result){ 0 };
	return (struct work){ .sync = s,
			      .settings = settings,
			      .notes = notes,
			      .target = -1,
			      .live = -1,
			      .plan.foreign_stays = settings->foreign == SYNC_FOREIGN_KEEP,
			      .stage = STAGE_INIT,
			      .old_trees = { .target = -1, .dir = -1 },
			      .generations = GENERATIONS_INIT,
			      .ret = ret };
}

static int sync_sources(struct work *w, struct err *e)
{
	if (load_ours(w, e) < 0 || settle(w, load_sources, e) < 0)
		return -1;
	if (is_held(w))
		return 0;
	if (sync_loaded(w, e) < 0)
		return -1;
	/* The sources have another version now. */
	if (!w->ret->held)
		state_forgive(&w->sync->state);
	return 0;
}

/* What is published stays, but a crash has left something to do. */
static int stay(struct sync *s, const struct sync_settings *settings,
		const struct sync_notes *notes, struct sync_result *ret, struct err *e)
{
	struct work w = new_work(s, settings, notes, ret);
	int status = open_work(&w, e);

	if (status == 0)
		status = load_ours(&w, e);
	if (status == 0)
		status = rollback_stay(&w, e);
	if (status == 0)
		status = sync_loaded(&w, e);
	if (status == 0)
		state_tidy(&s->state, ret->published.digest);
	close_work(&w);
	ret->held = true;
	return status;
}

int sync_once(struct sync *s, const struct sync_settings *settings, const struct sync_notes *notes,
	      struct sync_result *ret, struct err *e)
{
	struct work w = new_work(s, settings, notes, ret);
	int status = open_work(&w, e);
	bool tidy;

	if (status == 0)
		status = layers_open(&w.layers, settings, e);
	if (status == 0 && !is_known_to_be_published(&w))
		status = sync_sources(&w, e);
	tidy = state_is_tidy(&s->state, w.published.digest);
	close_work(&w);
	return status == 0 && ret->held && !tidy ? stay(s, settings, notes, ret, e) : status;
}

int sync_rollback(struct sync *s, const struct sync_settings *settings, const char *text,
		  const struct sync_notes *notes, struct sync_result *ret, struct err *e)
{
	struct work w = new_work(s, settings, notes, ret);
	int status = open_work(&w, e);

	if (status == 0)
		status = load_ours(&w, e);
	if (status == 0)
		status = rollback_load(&w, text, e);
	if (status == 0 && sync_loaded(&w, e) < 0)
		status = err_in(e, "go back to an older version");
	close_work(&w);
	return status;
}
