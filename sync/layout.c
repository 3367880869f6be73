/* SPDX-License-Identifier: Apache-2.0 */
/* layout: see layout.h. */
#include "sync/layout.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "sync/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEW_LINK SCAN_OWN_PREFIX "data"

/* The text of the link, cut where it would be too long to be ours; -1 with errno. */
static int read_link(int dir, const char *name, char text[PATH_MAX])
{
	ssize_t length = readlinkat(dir, name, text, PATH_MAX - 1);

	if (length < 0)
		return -1;
	text[length] = '\0';
	return 0;
}

void layout_tree_name(int64_t serial, char name[LAYOUT_TREE_ROOM])
{
	(void)snprintf(name, LAYOUT_TREE_ROOM, SCAN_OWN_PREFIX "%" PRId64, serial);
}

bool layout_is_tree_name(const char *name, int64_t *ret)
{
	const size_t length = strlen(SCAN_OWN_PREFIX);
	struct err e;

	return text_starts(name, SCAN_OWN_PREFIX) && strlen(name) < LAYOUT_TREE_ROOM &&
	       parse_count(name + length, 0, INT64_MAX, ret, &e) == 0;
}

int layout_read(int target, struct layout *ret, struct err *e)
{
	char text[PATH_MAX];
	int64_t serial;

	*ret = (struct layout){ 0 };
	if (read_link(target, LAYOUT_LINK, text) < 0) {
		if (errno == ENOENT)
			return 0;
		if (errno != EINVAL)
			return err_sys(e, "look at '" LAYOUT_LINK "' in the target");
		text[0] = '\0';
	}
	if (!layout_is_tree_name(text, &serial))
		return err_set(e, ERR_USAGE,
			       "'" LAYOUT_LINK "' in the target is not ours: move it away, or use "
			       "another target");
	ret->data = true;
	memcpy(ret->tree, text, strlen(text) + 1);
	return 0;
}

int layout_open(int target, const struct layout *l, struct err *e)
{
	const char *name = l->data ? l->tree : ".";
	int fd = openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open '%s' in the target", name) : fd;
}

char *layout_link_for(const char *name)
{
	return mem_format(LAYOUT_LINK "/%s", name);
}

int layout_has_link(int target, const char *name)
{
	owned char *wanted = layout_link_for(name);
	char text[PATH_MAX];

	if (read_link(target, name, text) < 0)
		return errno == ENOENT || errno == EINVAL ? 0 : -1;
	return text_is(text, wanted);
}

int layout_switch(int target, const char *tree, struct err *e)
{
	(void)unlinkat(target, NEW_LINK, 0);
	if (symlinkat(tree, target, NEW_LINK) < 0 ||
	    renameat(target, NEW_LINK, target, LAYOUT_LINK) < 0)
		return err_sys(e, "switch '" LAYOUT_LINK "' to the new version");
	return 0;
}

void layout_clean_up(int target)
{
	(void)unlinkat(target, NEW_LINK, 0);
}

int layout_exchange(int dir_a, const char *a, int dir_b, const char *b)
{
	return (int)syscall(SYS_renameat2, dir_a, a, dir_b, b, RENAME_EXCHANGE);
}
