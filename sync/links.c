/* SPDX-License-Identifier: Apache-2.0 */
/* links: see links.h. */
#include "sync/links.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "sync/layout.h"
#include "sync/obstacle.h"
#include "sync/plan.h"
#include "sync/stage.h"
#include "sync/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_LINK_ROOM 24

int links_check(struct plan *p, int target, struct err *e)
{
	struct beneath at = beneath_init(target);
	int status = 0;

	for (size_t i = 0; i < p->tree.count; i = tree_end_of(&p->tree, i)) {
		const char *name = tree_path(&p->tree, &p->tree.entries[i]);
		struct stat st;

		if (layout_has_link(target, name))
			continue;
		if (fstatat(target, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			p->unlinked = true;
			if (errno == ENOENT)
				continue;
			status = err_sys(e, "look at '%s' in the target", name);
			break;
		}
		status = p->foreign_stays ? 0 : obstacle_check(p, i, &at, &st, e);
		if (status < 0)
			break;
		/* Whatever an older version had under this name is a link now. */
		p->steps[i].foreign = true;
		p->unlinked |= !p->foreign_stays;
	}
	beneath_done(&at);
	return status;
}

/* A directory cannot be renamed over: it changes places with the link, or goes first. */
static int put_link(int target, const char *name, const char *link, struct stage *stage,
		    struct err *e)
{
	struct stat st;

	if (fstatat(target, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
		if (layout_exchange(stage->dir, link, target, name) == 0)
			return 0;
		if (stage_take_away(stage, target, name, e) < 0)
			return -1;
	}
	if (renameat(stage->dir, link, target, name) < 0)
		return err_sys(e, "put the link '%s' in place", name);
	return 0;
}

static int add_link(int target, const char *name, struct stage *stage, struct err *e)
{
	owned char *text = layout_link_for(name);
	char link[NEW_LINK_ROOM];

	(void)snprintf(link, sizeof(link), "link-%u", stage->taken++);
	if (symlinkat(text, stage->dir, link) < 0)
		return err_sys(e, "make the link '%s'", name);
	return put_link(target, name, link, stage, e);
}

/* Not by an error: what cannot be seen now may be there. */
static bool is_absent(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

int links_add(const struct tree *t, int target, struct stage *stage, bool after_switch,
	      struct err *e)
{
	for (size_t i = 0; i < t->count; i = tree_end_of(t, i)) {
		const char *name = tree_path(t, &t->entries[i]);

		if (layout_has_link(target, name) || (!after_switch && !is_absent(target, name)))
			continue;
		if (add_link(target, name, stage, e) < 0)
			return -1;
	}
	return 0;
}

int links_remove(int live, int target, struct err *e)
{
	const int again = openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *found;
	int status = 0;

	if (!dir)
		return err_sys(e, "read the target");
	while (status == 0 && (found = readdir(dir))) {
		if (found->d_type != DT_LNK && found->d_type != DT_UNKNOWN)
			continue;
		if ((live >= 0 && !is_absent(live, found->d_name)) ||
		    layout_has_link(target, found->d_name) != 1)
			continue;
		if (unlinkat(target, found->d_name, 0) < 0 && errno != ENOENT)
			status = err_sys(e, "remove the link '%s'", found->d_name);
	}
	(void)closedir(dir);
	return status;
}
