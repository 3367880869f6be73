/* SPDX-License-Identifier: Apache-2.0 */
/* plan: see plan.h. */
#include "sync/plan.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/compare.h"
#include "sync/links.h"

#include <string.h>

bool plan_owns(const struct plan *p, const char *path)
{
	for (size_t k = 0; k < p->ours_count; k++)
		if (tree_find(&p->ours[k].tree, path))
			return true;
	return false;
}

bool plan_is_whole(const struct plan *p, size_t i)
{
	uint32_t folder = p->steps[i].folder;

	return p->tree.entries[i].type == ENTRY_DIRECTORY && p->steps[i].fresh &&
	       (folder == PLAN_NONE || !p->steps[folder].fresh);
}

/* What is directly in a directory that ends at length bytes of path. */
static bool is_in(const char *path, const char *folder, size_t length)
{
	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* A directory stays the current one while paths begin with it; then the one it is in is. */
static void link_folders(struct plan *p)
{
	const struct tree *t = &p->tree;
	uint32_t folder = PLAN_NONE;

	for (size_t i = 0; i < t->count; i++) {
		const char *path = tree_path(t, &t->entries[i]);

		while (folder != PLAN_NONE) {
			const char *above = tree_path(t, &t->entries[folder]);

			if (is_in(path, above, strlen(above)))
				break;
			folder = p->steps[folder].folder;
		}
		p->steps[i].folder = folder;
		if (t->entries[i].type == ENTRY_DIRECTORY)
			folder = (uint32_t)i;
	}
}

static void add_gone(struct old_version *old, size_t index)
{
	if (!old->gone)
		old->gone = mem_resize(NULL, old->tree.count, sizeof(*old->gone));
	old->gone[old->gone_count++] = (uint32_t)index;
}

/* Both trees are in order: one pass finds what they share. */
static void link_old(struct plan *p, size_t k)
{
	struct old_version *old = &p->ours[k];
	size_t i = 0, j = 0;

	while (j < old->tree.count) {
		const char *path = tree_path(&old->tree, &old->tree.entries[j]);
		int order = i == p->tree.count
				    ? 1
				    : tree_compare(tree_path(&p->tree, &p->tree.entries[i]), path);

		if (order > 0) {
			add_gone(old, j++);
		} else if (order < 0) {
			i++;
		} else {
			if (k == 0)
				p->steps[i].had = (uint32_t)j;
			i++;
			j++;
		}
	}
}

void plan_link(struct plan *p)
{
	free(p->steps);
	p->steps = mem_alloc(p->tree.count * sizeof(*p->steps));
	for (size_t i = 0; i < p->tree.count; i++)
		p->steps[i].had = PLAN_NONE;
	link_folders(p);
	for (size_t k = 0; k < p->ours_count; k++) {
		p->ours[k].gone_count = 0;
		link_old(p, k);
	}
}

static void count_foreign(struct plan *p)
{
	for (size_t i = 0; i < p->tree.count; i++) {
		if (!p->steps[i].foreign)
			continue;
		if (!p->foreign++)
			p->foreign_example = mem_copy(tree_path(&p->tree, &p->tree.entries[i]));
	}
}

/* What is in their way stays: these entries, and all below them, are no part of the version. */
static void drop_foreign(struct plan *p)
{
	owned bool *stays = mem_alloc(p->tree.count * sizeof(*stays));
	owned struct step *steps = mem_take(p->steps);
	size_t kept = 0;

	for (size_t i = 0; i < p->tree.count; i++)
		stays[i] = !steps[i].foreign &&
			   (steps[i].folder == PLAN_NONE || stays[steps[i].folder]);
	for (size_t i = 0; i < p->tree.count; i++)
		if (stays[i])
			steps[kept++] = steps[i];
	tree_keep_only(&p->tree, stays);
	plan_link(p);
	for (size_t i = 0; i < kept; i++) {
		p->steps[i].action = steps[i].action;
		p->steps[i].fresh = steps[i].fresh;
	}
}

static void touch_folder_of(struct plan *p, const char *path)
{
	owned char *folder = mem_copy_part(path, strlen(path) - strlen(text_last_part(path)));

	if (!*folder)
		return;
	folder[strlen(folder) - 1] = '\0';
	const struct entry *e = tree_find(&p->tree, folder);
	if (e && e->type == ENTRY_DIRECTORY)
		p->steps[e - p->tree.entries].touched = true;
}

static void sum_up(struct plan *p)
{
	for (size_t i = 0; i < p->tree.count; i++) {
		const struct entry *e = &p->tree.entries[i];

		if (p->steps[i].action != ACTION_PLACE)
			continue;
		p->placed++;
		if (e->first == i)
			p->placed_bytes += e->size;
		if (p->steps[i].folder != PLAN_NONE)
			p->steps[p->steps[i].folder].touched = true;
	}
	for (size_t k = 0; k < p->ours_count; k++)
		for (size_t j = 0; j < p->ours[k].gone_count; j++)
			touch_folder_of(p, tree_path(&p->ours[k].tree,
						     &p->ours[k].tree.entries[p->ours[k].gone[j]]));
}

/* All but the content. */
static bool is_described(const struct plan *p, size_t i)
{
	const struct entry *new = &p->tree.entries[i];
	const struct entry *old;

	if (p->steps[i].had == PLAN_NONE)
		return false;
	old = &p->ours[0].tree.entries[p->steps[i].had];
	return old->mode == new->mode && old->seconds == new->seconds &&
	       old->nanoseconds == new->nanoseconds && old->uid == new->uid &&
	       old->gid == new->gid && p->steps[new->first].had == old->first;
}

int plan_make(struct plan *p, const struct planning *how, struct err *e)
{
	if (compare_all(p, how, e) < 0 || (how->links >= 0 && links_check(p, how->links, e) < 0))
		return -1;
	count_foreign(p);
	if (p->foreign && p->foreign_stays)
		drop_foreign(p);
	sum_up(p);
	p->described = !p->lost;
	for (size_t i = 0; i < p->tree.count && p->described; i++)
		p->described = is_described(p, i);
	return 0;
}

void plan_done(struct plan *p)
{
	tree_done(&p->tree);
	for (size_t k = 0; k < p->ours_count; k++) {
		tree_done(&p->ours[k].tree);
		free(p->ours[k].gone);
	}
	free(p->ours);
	free(p->steps);
	free(p->foreign_example);
	*p = (struct plan){ 0 };
}
