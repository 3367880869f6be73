/* SPDX-License-Identifier: Apache-2.0 */
/* settle: see settle.h. */
#include "sync/settle.h"

#include "base/clock.h"
#include "base/text.h"
#include "sync/work.h"

static bool looks_same(const struct tree *ta, const struct entry *a, const struct tree *tb,
		       const struct entry *b)
{
	return a->type == b->type && a->mode == b->mode && a->size == b->size &&
	       a->seconds == b->seconds && a->nanoseconds == b->nanoseconds &&
	       text_is(tree_path(ta, a), tree_path(tb, b)) &&
	       text_is(tree_link(ta, a), tree_link(tb, b));
}

static bool look_same(const struct tree *a, const struct tree *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!looks_same(a, &a->entries[i], b, &b->entries[i]))
			return false;
	return true;
}

/* Opened anew: a source may have been replaced. */
static int look_again(struct work *w, int (*load)(struct work *w, struct err *e), struct err *e)
{
	w->plan.tree = (struct tree){ 0 };
	layers_close(&w->layers);
	return layers_open(&w->layers, w->settings, e) < 0 ? -1 : load(w, e);
}

int settle(struct work *w, int (*load)(struct work *w, struct err *e), struct err *e)
{
	const int64_t end = clock_ms() + w->settings->settle_longest;

	if (load(w, e) < 0)
		return -1;
	if (!w->settings->settle || look_same(&w->plan.tree, &w->plan.ours[0].tree))
		return 0;
	for (bool quiet = false; !quiet && clock_ms() < end;) {
		struct tree before = w->plan.tree;

		clock_pause(w->settings->settle);
		int status = look_again(w, load, e);

		quiet = status == 0 && look_same(&w->plan.tree, &before);
		tree_done(&before);
		if (status < 0)
			return -1;
	}
	return 0;
}
