/* SPDX-License-Identifier: Apache-2.0 */
/* seal: see seal.h. */
#include "sync/seal.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "sync/copy.h"
#include "sync/merge.h"
#include "sync/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY SEAL_NAME ".new"
#define PATH_SHOWN 300
#define SEAL_MODE 0644 /* who syncs may be another user than who built the image */

/* 0, 1 when there is none, -1 with e. What lies there may be a link, or a pipe to wait for. */
static int open_seal(int root, int *ret, struct err *e)
{
	owned_fd fd = copy_open(root, SEAL_NAME);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return err_set(e, ERR_USAGE, "it is not a file");
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "it is not a file");
	*ret = fd_take(&fd);
	return 0;
}

int seal_head(int root, struct manifest_head *ret, struct err *e)
{
	owned_fd fd = -1;
	int status = open_seal(root, &fd, e);

	if (status == 0)
		status = manifest_read_head(fd, ret, e);
	return status < 0 ? err_in(e, "seal '" SEAL_NAME "'") : status;
}

int seal_read(int root, struct manifest_head *ret_head, struct tree *ret, struct err *e)
{
	owned_fd fd = -1;
	int status = open_seal(root, &fd, e);

	*ret = (struct tree){ 0 };
	if (status == 0)
		status = manifest_read_file(fd, ret_head, ret, e);
	return status < 0 ? err_in(e, "seal '" SEAL_NAME "'") : status;
}

/* A manifest has one path of a file, and what is there under another can be replaced any time. */
static int check_places(const struct tree *t, struct err *e)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->entries[i].source)
			return err_set(e, ERR_USAGE,
				       "'%.*s' is a link through '..data': what kubelet mounts "
				       "cannot be sealed",
				       PATH_SHOWN, tree_path(t, &t->entries[i]));
	return 0;
}

static int describe(const struct tree *t, const char *label, struct manifest_head *ret,
		    struct err *e)
{
	struct manifest_head h = { 0 };
	struct tree single = { 0 };

	if (strlen(label) >= sizeof(h.label))
		return err_set(e, ERR_USAGE, "a label has at most %zu bytes", sizeof(h.label) - 1);
	if (check_places(t, e) < 0)
		return -1;
	memcpy(h.label, label, strlen(label));
	h.whiteouts = (uint32_t)merge_count_markers(t);
	if (h.whiteouts && merge_single(t, &single, e) < 0)
		return -1;
	h.digest = tree_digest(h.whiteouts ? &single : t);
	tree_done(&single);
	*ret = h;
	return 0;
}

/* Another second would be a digest of another build: equal trees make equal seals. */
static void make_not_later(struct tree *t, int64_t latest)
{
	for (size_t i = 0; i < t->count; i++) {
		struct entry *e = &t->entries[i];

		if (e->seconds > latest || (e->seconds == latest && e->nanoseconds)) {
			e->seconds = latest;
			e->nanoseconds = 0;
		}
	}
}

static int write_new(int root, const struct buf *b)
{
	owned_fd fd = openat(root, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			     SEAL_MODE);

	if (fd < 0 || io_write(fd, b->data, b->length) < 0)
		return -1;
	return fchmod(fd, SEAL_MODE); /* whatever the umask is */
}

static int replace(int root, const struct buf *b, struct err *e)
{
	(void)unlinkat(root, TEMPORARY, 0); /* of one that was killed */
	if (write_new(root, b) < 0 || renameat(root, TEMPORARY, root, SEAL_NAME) < 0) {
		(void)err_sys(e, "write '" SEAL_NAME "'");
		(void)unlinkat(root, TEMPORARY, 0);
		return -1;
	}
	return 0;
}

int seal_write(int root, const struct tree *t, const char *label, int64_t latest, struct err *e)
{
	owned_buf b = BUF_INIT(MANIFEST_MOST);
	owned struct entry *entries = NULL;
	struct manifest_head head;
	struct tree clamped = *t;

	if (describe(t, label, &head, e) < 0)
		return -1;
	if (latest != INT64_MAX && t->count) {
		entries = mem_resize(NULL, t->count, sizeof(*entries));
		memcpy(entries, t->entries, t->count * sizeof(*entries));
		clamped.entries = entries;
		make_not_later(&clamped, latest);
	}
	return manifest_write(&clamped, &head, &b, e) < 0 ? -1 : replace(root, &b, e);
}
