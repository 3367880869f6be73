/* SPDX-License-Identifier: Apache-2.0 */
/* tree: see tree.h. What compares and copies is in tree_compare.c. */
#include "fetch/tree.h"

#include "base/digest.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "fetch/path.h"
#include "fetch/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PERMISSIONS 0777

struct check {
	const struct tree_limits *most;
	uint64_t bytes, files;
};

static int check_link(const struct tree_entry *t, struct err *e)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(t->dir, t->name, target, sizeof(target) - 1);

	if (length < 0)
		return err_sys(e, "read the link '%s'", t->path);
	target[length] = '\0';
	if (path_link_stays(target, t->depth))
		return 0;
	owned char *shown = path_shown(t->path), *shown_target = path_shown(target);
	return err_set(e, ERR_REMOTE, "'%s' is a link out of the tree, to '%s'", shown,
		       shown_target);
}

static int mask_mode(const struct tree_entry *t, struct err *e)
{
	if (!(t->st.st_mode & 07000))
		return 0;
	return fchmodat(t->dir, t->name, t->st.st_mode & PERMISSIONS, 0) < 0
		       ? err_sys(e, "change the mode of '%s'", t->path)
		       : 0;
}

static int check_limits(const struct tree_entry *t, void *owner, struct err *e)
{
	struct check *c = owner;

	if (t->leaving)
		return 0;
	c->bytes += S_ISREG(t->st.st_mode) ? (uint64_t)t->st.st_size : 0;
	if (++c->files > c->most->files)
		return err_set(e, ERR_REMOTE, "more than %" PRIu64 " files, see \"most-files\"",
			       c->most->files);
	if (c->bytes > c->most->bytes)
		return err_set(e, ERR_REMOTE, "more than %" PRIu64 " bytes, see \"most-bytes\"",
			       c->most->bytes);
	return 0;
}

static int refuse(const struct tree_entry *t, const char *why, struct err *e)
{
	owned char *shown = path_shown(t->path);

	return err_set(e, ERR_REMOTE, "'%s' %s", shown, why);
}

static int check_entry(const struct tree_entry *t, void *owner, struct err *e)
{
	if (t->leaving)
		return 0;
	if (strncmp(t->name, "..", 2) == 0)
		return refuse(t, "has a name that begins with \"..\", which is not for content", e);
	if (check_limits(t, owner, e) < 0)
		return -1;
	if (S_ISLNK(t->st.st_mode))
		return check_link(t, e);
	if (!S_ISREG(t->st.st_mode) && !S_ISDIR(t->st.st_mode))
		return refuse(t, "is neither a file nor a directory", e);
	return mask_mode(t, e);
}

int tree_check(int root, const struct tree_limits *most, struct err *e)
{
	struct check c = { .most = most };

	return tree_walk(root, check_entry, &c, e);
}

int tree_check_growth(void *growth, struct err *e)
{
	const struct tree_growth *g = growth;
	struct check c = { .most = &g->most };
	struct err why = { 0 };

	if (tree_walk(g->root, check_limits, &c, &why) == 0 || why.kind != ERR_REMOTE)
		return 0;
	*e = why;
	return -1;
}

struct prune {
	const struct list *include, *exclude;
};

/* Also from a directory that its owner may not write to. */
static int remove_from(int dir, const char *name, int flags)
{
	struct stat st;

	if (unlinkat(dir, name, flags) == 0)
		return 0;
	if (errno != EACCES || fstat(dir, &st) < 0 || fchmod(dir, (st.st_mode & 0777) | 0300) < 0)
		return -1;
	int status = unlinkat(dir, name, flags), failed = errno;
	(void)fchmod(dir, st.st_mode & 0777);
	errno = failed;
	return status;
}

static int prune_entry(const struct tree_entry *t, void *owner, struct err *e)
{
	const struct prune *p = owner;

	if (t->leaving) {
		/* One that came empty goes as well. */
		if (remove_from(t->dir, t->name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY &&
		    errno != EEXIST)
			return err_sys(e, "remove '%s'", t->path);
		return 0;
	}
	if (S_ISDIR(t->st.st_mode))
		return 0;
	if ((!p->include->count || pattern_fits_one(p->include, t->path)) &&
	    !pattern_fits_one(p->exclude, t->path))
		return 0;
	return remove_from(t->dir, t->name, 0) < 0 ? err_sys(e, "remove '%s'", t->path) : 0;
}

int tree_prune(int root, const struct list *include, const struct list *exclude, struct err *e)
{
	struct prune p = { include, exclude };

	if (!include->count && !exclude->count)
		return 0;
	return tree_walk(root, prune_entry, &p, e);
}

int tree_make_parents(int root, const char *path, struct err *e)
{
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		owned char *directory = mem_copy_part(path, (size_t)(slash - path));

		if (mkdirat(root, directory, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make '%s'", directory);
	}
	return 0;
}

static int add_entry(const struct tree_entry *t, void *owner, struct err *e)
{
	owned char *line = mem_format("%o %jd %jd.%09ld", t->st.st_mode,
				      S_ISREG(t->st.st_mode) ? (intmax_t)t->st.st_size : 0,
				      S_ISREG(t->st.st_mode) ? (intmax_t)t->st.st_mtim.tv_sec : 0,
				      S_ISREG(t->st.st_mode) ? t->st.st_mtim.tv_nsec : 0);
	char target[PATH_MAX];
	ssize_t length = 0;

	if (t->leaving)
		return 0;
	if (S_ISLNK(t->st.st_mode))
		length = readlinkat(t->dir, t->name, target, sizeof(target));
	if (length < 0)
		return err_sys(e, "read the link '%s'", t->path);
	digest_add(owner, t->path, strlen(t->path) + 1);
	digest_add(owner, line, strlen(line) + 1);
	digest_add(owner, target, (size_t)length);
	return 0;
}

char *tree_version(int root, struct err *e)
{
	struct digest_stream *s = digest_new();
	char text[DIGEST_TEXT_SIZE];
	int status = tree_walk(root, add_entry, s, e);
	struct digest d = digest_result(s);

	digest_free(s);
	return status < 0 ? NULL : mem_format("tree:%s", digest_text(&d, text));
}
