/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_unpack: `gs-fetch unpack`, an archive into a new directory. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "fetch/commands.h"
#include "fetch/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

struct unpack_options {
	int64_t most_bytes, most_files, most_ratio, timeout;
};

static const struct setting rows[] = {
	{ .name = "most-bytes",
	  .value = "N",
	  .standard = "17179869184",
	  .help = "most bytes of all files together",
	  .type = SETTING_COUNT,
	  .offset = offsetof(struct unpack_options, most_bytes) },
	{ .name = "most-files",
	  .value = "N",
	  .standard = "1000000",
	  .help = "most files, directories and links",
	  .type = SETTING_COUNT,
	  .offset = offsetof(struct unpack_options, most_files) },
	{ .name = "most-ratio",
	  .value = "N",
	  .standard = "200",
	  .help = "most bytes for each byte of the archive, beyond the first 10 MiB",
	  .type = SETTING_COUNT,
	  .offset = offsetof(struct unpack_options, most_ratio) },
	{ .name = "timeout",
	  .value = "DURATION",
	  .standard = "10m",
	  .help = "longest time it may take",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct unpack_options, timeout) },
};

/* A new one, or one that is there and empty. */
static int open_target(const char *path, int *ret, struct err *e)
{
	owned_fd fd = -1;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int again = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	if (!dir) {
		(void)err_sys(e, "open '%s'", path);
		fd_close(&again);
		return -1;
	}
	bool empty = !io_next_entry(dir);
	(void)closedir(dir);
	if (!empty)
		return err_set(e, ERR_USAGE, "'%s' is not empty, and only an empty one is filled",
			       path);
	*ret = fd_take(&fd);
	return 0;
}

static int unpack_it(const char *archive, const char *path, const struct unpack_options *o,
		     struct err *e)
{
	const struct unpack_limits most = { (uint64_t)o->most_bytes, (uint64_t)o->most_files,
					    (uint64_t)o->most_ratio };
	owned_fd from = open(archive, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), to = -1;
	struct unpack_counts counts;
	char size[TEXT_SIZE_ROOM];

	if (from < 0)
		return err_sys(e, "open '%s'", archive);
	if (open_target(path, &to, e) < 0 ||
	    unpack(from, archive, to, &most, clock_ms() + o->timeout, &counts, e) < 0)
		return -1;
	(void)printf("unpacked: %" PRIu64 " files, %" PRIu64 " directories, %" PRIu64
		     " links, %s\n",
		     counts.files, counts.directories, counts.links, text_size(counts.bytes, size));
	return 0;
}

static int run(const char *const *words, const void *values)
{
	struct err e = { 0 };

	if (unpack_it(words[0], words[1], values, &e) == 0)
		return EXIT_DONE;
	log_error("%s", e.text);
	return (int)err_exit_status(&e);
}

const struct fetch_command command_unpack = {
	.name = "unpack",
	.words = "ARCHIVE DIR",
	.summary = "an archive into an empty directory, with all checks",
	.text = "ARCHIVE is a tar, plain or packed by gzip or zstd, or a zip. DIR is made if it is "
		"not\n"
		"there. Names that lead out of it, links that do, devices, names that are there\n"
		"twice, and archives that are damaged, cut or far too large are refused: one line\n"
		"says which entry and why, and what had come out before stays in DIR.\n"
		"\n"
		"  gs-fetch unpack assets.tar.zst /tmp/assets\n"
		"\n"
		"Exit status: 0 all came out; 5 the archive was refused; 3 the time was over; 4 "
		"this\n"
		"machine refused; 2 an option is wrong, or DIR is not empty.\n",
	.options = SETTING_GROUP(rows),
	.run = run,
	.size = sizeof(struct unpack_options),
};
