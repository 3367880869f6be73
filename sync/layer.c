/* SPDX-License-Identifier: Apache-2.0 */
/* layer: see layer.h. */
#include "sync/layer.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often a version of a kubelet volume may be replaced between our finding and opening it. */
#define TRIES_MOST 5

/* What is behind the last colon of a spec, NULL when the whole is the name of a directory. */
static const char *subpath_of(const char *spec)
{
	const char *colon = strrchr(spec, ':');
	struct stat st;

	if (!colon || (stat(spec, &st) == 0 && S_ISDIR(st.st_mode)))
		return NULL;
	return colon + 1;
}

static char *before_subpath(const char *spec, const char *subpath)
{
	return mem_copy_part(spec, (size_t)(subpath - spec) - 1);
}

char *layer_directory(const char *spec)
{
	const char *subpath = subpath_of(spec);

	return subpath ? before_subpath(spec, subpath) : mem_copy(spec);
}

static int check_subpath(const char *spec, const char *subpath, struct err *e)
{
	if (subpath - spec == 1)
		return err_set(e, ERR_USAGE, "there is no directory before ':'");
	if (!*subpath)
		return err_set(e, ERR_USAGE, "there is no path behind ':'");
	if (*subpath == '/')
		return err_set(e, ERR_USAGE, "'%s' behind ':' begins with a slash", subpath);
	for (const char *part = subpath;;) {
		size_t length = strcspn(part, "/");

		if (length == 0)
			return err_set(e, ERR_USAGE, "'%s' behind ':' has a part without a name",
				       subpath);
		if (length <= 2 && !strncmp(part, "..", length))
			return err_set(e, ERR_USAGE, "'%s' behind ':' has a part '.' or '..'",
				       subpath);
		if (!part[length])
			return 0;
		part += length + 1;
	}
}

/*
 * What "..data" leads to, on the heap, when subpath is found by it: its first part is a link in a
 * volume of kubelet's. NULL: subpath is simply below dir.
 */
static char *version_for(int dir, const char *subpath)
{
	owned char *first = mem_copy_part(subpath, strcspn(subpath, "/"));
	char target[NAME_MAX + 1];
	ssize_t length = readlinkat(dir, "..data", target, sizeof(target));
	struct stat st;

	if (length <= 0 || (size_t)length == sizeof(target) ||
	    memchr(target, '/', (size_t)length) ||
	    fstatat(dir, first, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
		return NULL;
	return mem_copy_part(target, (size_t)length);
}

/* A version may be replaced, and then removed, before it is open. */
static int open_subpath(int dir, const char *subpath)
{
	owned char *last = NULL;

	for (int i = 0;; i++) {
		owned char *version = version_for(dir, subpath);
		owned char *path =
			version ? mem_format("%s/%s", version, subpath) : mem_copy(subpath);
		int fd = beneath_open(dir, path, O_RDONLY | O_DIRECTORY);

		if (fd >= 0 || errno != ENOENT || i == TRIES_MOST ||
		    (last && text_is(last, path))) {
			return fd;
		}
		free(last);
		last = mem_take(path);
	}
}

static int open_root(const char *spec, struct err *e)
{
	const char *subpath = subpath_of(spec);
	int root;

	if (!subpath) {
		root = open(spec, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return root < 0 ? err_sys(e, "source '%s'", spec) : root;
	}
	if (check_subpath(spec, subpath, e) < 0)
		return err_in(e, "source '%s'", spec);

	owned char *path = before_subpath(spec, subpath);
	owned_fd dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	root = dir < 0 ? -1 : open_subpath(dir, subpath);
	return root < 0 ? err_sys(e, "source '%s'", spec) : root;
}

int layer_open(struct layer *l, const char *spec, struct err *e)
{
	*l = LAYER_INIT;
	l->spec = spec;
	l->root = open_root(spec, e);
	if (l->root < 0)
		return -1;

	int status = seal_head(l->root, &l->seal, e);

	if (status < 0) {
		fd_close(&l->root);
		return err_in(e, "source '%s'", spec);
	}
	l->sealed = status == 0;
	return 0;
}

static int compare_with_seal(struct layer *l, enum verify_how how, size_t threads, struct err *e)
{
	const struct verify v = {
		.root = l->root,
		.tree = &l->tree,
		.how = how,
		.threads = threads,
		.whole_seconds = true,
		.extras = true,
		.take_owners = true,
	};

	if (how == VERIFY_NONE || verify_first(&v, e) == 0)
		return 0;
	/* With an errno it could not be told: that says nothing about the seal. */
	return e->sys ? -1 : err_in(e, "its seal does not match");
}

static int load_sealed(struct layer *l, const struct scan_place *place, enum verify_how how,
		       size_t threads, struct err *e)
{
	int status = seal_read(l->root, &l->seal, &l->tree, e);

	if (status < 0)
		return -1;
	if (status > 0)
		return err_set(e, ERR_SYSTEM, "its seal was removed just now");
	/* As a scan would have found. */
	if (place->reserved && tree_find(&l->tree, place->reserved))
		return err_set(
			e, ERR_USAGE,
			"it has '%s', where the state directory is: rename it or set --state",
			place->reserved);
	return compare_with_seal(l, how, threads, e);
}

/* A version of a kubelet volume goes name by name: what was found may not have been all of it. */
static int load_unsealed(struct layer *l, const struct scan_place *place,
			 const struct sync_notes *notes, struct err *e)
{
	struct scan_place here = *place;
	struct stat read, now;

	here.source = l->root;
	if (scan_source(&here, notes, &l->tree, e) < 0)
		return -1;
	if (!subpath_of(l->spec))
		return 0;

	struct err ignored;
	owned_fd root = open_root(l->spec, &ignored);

	if (root < 0 || fstat(root, &now) < 0 || fstat(l->root, &read) < 0 ||
	    read.st_ino != now.st_ino || read.st_dev != now.st_dev)
		return err_set(e, ERR_SYSTEM, "it was replaced while it was read");
	return 0;
}

int layer_load(struct layer *l, const struct scan_place *place, enum verify_how how, size_t threads,
	       const struct sync_notes *notes, struct err *e)
{
	int status;

	tree_done(&l->tree);
	status = l->sealed ? load_sealed(l, place, how, threads, e)
			   : load_unsealed(l, place, notes, e);
	return status < 0 ? err_in(e, "source '%s'", l->spec) : 0;
}

void layer_close(struct layer *l)
{
	fd_close(&l->root);
	tree_done(&l->tree);
	*l = LAYER_INIT;
}
