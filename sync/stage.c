/* SPDX-License-Identifier: Apache-2.0 */
/* stage: see stage.h. */
#include "sync/stage.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "sync/remove.h"
#include "sync/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define TAKEN_NAME_SIZE 16

static int make_directory(int parent, const char *name, int *ret)
{
	if (mkdirat(parent, name, 0700) < 0)
		return -1;
	*ret = beneath_open(parent, name, O_RDONLY | O_DIRECTORY);
	return *ret < 0 ? -1 : 0;
}

int stage_open(struct stage *s, int state, int target, struct err *e)
{
	struct stat st;

	s->parent = state_place(state, target, STATE_STAGE, s->name);
	owners_init(&s->owners);
	if (remove_all(s->parent, s->name) < 0)
		return err_sys(e, "remove '%s', which an earlier sync has left", s->name);
	if (make_directory(s->parent, s->name, &s->dir) < 0 || fstat(s->dir, &st) < 0)
		return err_sys(e, "make a directory for new files beside the target");
	s->device = st.st_dev;
	return stage_renew(s, e);
}

int stage_renew(struct stage *s, struct err *e)
{
	fd_close(&s->tree);
	if (make_directory(s->dir, STAGE_TREE, &s->tree) < 0)
		return err_sys(e, "make a directory for new files beside the target");
	return 0;
}

void stage_close(struct stage *s)
{
	fd_close(&s->tree);
	fd_close(&s->dir);
	if (s->parent >= 0 && !s->keep)
		(void)remove_all(s->parent, s->name);
	s->parent = -1;
}

int stage_take_away(struct stage *s, int dir, const char *name, struct err *e)
{
	char new_name[TAKEN_NAME_SIZE];

	(void)snprintf(new_name, sizeof(new_name), "%u", s->taken++);
	if (renameat(dir, name, s->dir, new_name) == 0)
		return 0;
	/* Moving a directory changes its "..", for which it has to be writable. */
	if (errno == EACCES && dress_chmod(dir, name, 0700) == 0 &&
	    renameat(dir, name, s->dir, new_name) == 0)
		return 0;
	/* A mount of its own below the target cannot be left by a rename; what is there is ours. */
	if (errno == EXDEV && remove_all(dir, name) == 0)
		return 0;
	return err_sys(e, "move '%s' out of the way", name);
}
