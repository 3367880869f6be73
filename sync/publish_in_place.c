/* SPDX-License-Identifier: Apache-2.0 */
/* publish_in_place: see publish_in_place.h. */
#include "sync/publish_in_place.h"

#include "base/beneath.h"
#include "base/err.h"
#include "sync/dress.h"
#include "sync/place.h"
#include "sync/plan.h"
#include "sync/stage.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A new one as well: it may have been moved with a mode that allows that, or made in a mount. */
static bool has_to_be_dressed(const struct plan *p, size_t i)
{
	const struct step *step = &p->steps[i];

	return p->tree.entries[i].type == ENTRY_DIRECTORY &&
	       (step->fresh || step->touched || step->action == ACTION_DRESS);
}

/* Last, and the inner ones first: every change inside touches a directory's time. */
static int dress_directories(const struct plan *p, struct beneath *target, struct stage *stage,
			     struct err *e)
{
	for (size_t i = p->tree.count; i-- > 0;) {
		const struct entry *entry = &p->tree.entries[i];
		const char *path = tree_path(&p->tree, entry), *name;
		struct stat st;
		int dir;

		if (!has_to_be_dressed(p, i))
			continue;
		dir = beneath_parent(target, path, &name);
		if (dir < 0)
			return err_sys(e, "open the directory of '%s' in the target", path);
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    dress_fits(&stage->owners, entry, &st))
			continue;
		if (dress_name(&stage->owners, dir, name, entry) < 0)
			return err_sys(e, "set owner, mode and time of '%s'", path);
	}
	return 0;
}

int publish_in_place(const struct plan *p, int target, struct stage *stage, struct retired *ret,
		     struct err *e)
{
	struct beneath at = beneath_init(target);
	int status;

	*ret = (struct retired){ 0 };
	status = place_all(p, &at, stage, e);
	if (status == 0)
		status = retire_old(p, &at, ret, e);
	if (status == 0)
		status = dress_directories(p, &at, stage, e);
	beneath_done(&at);
	return status;
}
