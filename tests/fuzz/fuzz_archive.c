/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the archive, nothing but its directory changes, what comes out is within the limits and
 * no way out of it, and a second time it is the same.
 */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "fetch/path.h"
#include "fetch/unpack.h"
#include "sync/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static const struct unpack_limits most = { .bytes = 1 << 20, .files = 100, .ratio = 50 };

struct found {
	uint64_t entries, bytes;
};

static void check_link(int dir, const char *name, size_t depth)
{
	char target[PATH_MAX + 1];
	ssize_t length = readlinkat(dir, name, target, PATH_MAX);

	MUST(length > 0);
	target[length] = '\0';
	MUST(path_link_stays(target, depth));
}

/* NOLINTNEXTLINE(misc-no-recursion): at most PATH_DEPTH_MOST deep. */
static void check_tree(int at, size_t depth, struct found *f)
{
	int again = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(again);
	const struct dirent *entry;

	MUST(dir && depth <= PATH_DEPTH_MOST);
	while ((entry = io_next_entry(dir))) {
		struct stat st;

		MUST(fstatat(at, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0);
		MUST(!text_starts(entry->d_name, ".."));
		MUST(++f->entries <= most.files && !(st.st_mode & 07000));
		if (S_ISDIR(st.st_mode)) {
			owned_fd below = openat(at, entry->d_name, O_RDONLY | O_CLOEXEC);

			check_tree(below, depth + 1, f);
		} else if (S_ISLNK(st.st_mode)) {
			check_link(at, entry->d_name, depth);
		} else {
			MUST(S_ISREG(st.st_mode));
			f->bytes += (uint64_t)st.st_size;
			MUST(f->bytes <= most.bytes);
		}
	}
	(void)closedir(dir);
}

/* 0, or -1 and why. */
static int unpack_into(int base, int archive, struct err *e)
{
	struct unpack_counts counts;
	struct found f = { 0 };

	MUST(mkdirat(base, "tree", 0755) == 0);
	owned_fd tree = openat(base, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status = unpack(archive, "x", tree, &most, 0, &counts, e);
	check_tree(tree, 0, &f);
	if (status == 0)
		MUST(f.entries == counts.files + counts.directories + counts.links &&
		     f.bytes == counts.bytes);
	MUST(remove_all(base, "tree") == 0);
	return status;
}

static int open_base(char *path)
{
	const char *temporary = getenv("TMPDIR");

	(void)snprintf(path, PATH_MAX, "%s/gs-fetch-fuzz-XXXXXX", temporary ? temporary : "/tmp");
	MUST(mkdtemp(path));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[PATH_MAX];
	owned_fd base = open_base(path);
	owned_fd archive = memfd_create("archive", MFD_CLOEXEC);
	struct err first = { 0 }, second = { 0 };

	MUST(base >= 0 && archive >= 0 && io_write(archive, data, size) == 0);
	int status = unpack_into(base, archive, &first);
	MUST(unpack_into(base, archive, &second) == status);
	MUST(status == 0 || (first.text[0] && !strcmp(first.text, second.text)));
	/* Nothing is beside it: then it could not be removed. */
	MUST(unlinkat(AT_FDCWD, path, AT_REMOVEDIR) == 0);
	return 0;
}
