/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_tree: changes a tree at random, the same way for the same seed.
 *
 *   random_tree FOLDER SEED STEPS            what a developer does: make, change, remove, replace
 *   random_tree FOLDER SEED STEPS damage     what goes wrong in a target: things are changed or
 *                                            gone, but no name is there that was not there before
 *
 * Names and times are few, so that the same ones come back with another meaning.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATHS_MOST 4096

static uint64_t state;
static char *paths[PATHS_MOST]; /* of all there is */
static size_t path_count;

static const char *const names[] = {
	"a",     "b",   "c",   "d.js", "e",   "-f",  " g", "h\n",
	"i\xff", "j\"", "k\\", ".l",   "m..", "a.b", "a-",
};

/* splitmix64 */
static uint64_t roll(uint64_t below)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static void give_up(const char *what, const char *path)
{
	(void)fprintf(stderr, "random_tree: %s '%s': %s\n", what, path, strerror(errno));
	exit(1);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join(const char *folder, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		abort();
	return path;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree it made. */
static void collect(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *found;

	if (!dir)
		give_up("open", folder);
	while ((found = readdir(dir)) && path_count < PATHS_MOST) {
		struct stat st;

		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0 ||
		    strcmp(found->d_name, ".gs-sidecar") == 0)
			continue;
		char *path = join(folder, found->d_name);
		paths[path_count++] = path;
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			collect(path);
	}
	(void)closedir(dir);
}

/* Sorted, or the order of readdir(3) would decide what a seed means. */
static void look_around(const char *root)
{
	while (path_count)
		free(paths[--path_count]);
	collect(root);
	qsort(paths, path_count, sizeof(paths[0]), by_text);
}

static const char *any_path(void)
{
	return path_count ? paths[roll(path_count)] : NULL;
}

static bool is(const char *path, mode_t type)
{
	struct stat st;

	return path && lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree it made. */
static void remove_all(const char *path)
{
	if (is(path, S_IFDIR)) {
		DIR *dir = opendir(path);
		struct dirent *found;

		while (dir && (found = readdir(dir))) {
			if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
				continue;
			char *inner = join(path, found->d_name);
			remove_all(inner);
			free(inner);
		}
		if (dir)
			(void)closedir(dir);
	}
	if (remove(path) < 0 && errno != ENOENT)
		give_up("remove", path);
}

static void set_time(const char *path)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = 1000000000 + (time_t)roll(3), .tv_nsec = (long)roll(2) * 123456789 },
	};

	(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* Few sizes and few bytes: equal size with other content is frequent. */
static void write_file(const char *path)
{
	static const size_t sizes[] = { 0, 1, 1, 5, 5, 5, 4096, 200000 };
	size_t size = sizes[roll(sizeof(sizes) / sizeof(sizes[0]))];
	char *bytes = malloc(size + 1);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);

	if (!bytes || fd < 0)
		give_up("write", path);
	memset(bytes, 'a' + (int)roll(4), size);
	if (write(fd, bytes, size) != (ssize_t)size)
		give_up("write", path);
	(void)close(fd);
	free(bytes);
	set_time(path);
}

static void make_link(const char *path)
{
	static const char *const targets[] = { "a", "..", "/etc", "b/c", "nowhere\n" };

	if (symlink(targets[roll(5)], path) < 0)
		give_up("link", path);
	set_time(path);
}

static void make_directory(const char *path)
{
	if (mkdir(path, 0755) < 0)
		give_up("make", path);
	set_time(path);
}

static void change_mode(const char *path)
{
	static const mode_t modes[] = { 0644, 0600, 0755, 0444, 0555, 04755, 01777, 0000 };

	if (!is(path, S_IFLNK))
		(void)chmod(path, modes[roll(sizeof(modes) / sizeof(modes[0]))]);
}

/* A name that is free, in any directory. */
static char *new_path(const char *root)
{
	const char *folder = roll(3) ? any_path() : root;

	if (!is(folder, S_IFDIR))
		folder = root;
	char *path = join(folder, names[roll(sizeof(names) / sizeof(names[0]))]);
	struct stat st;
	if (strlen(path) < PATH_MAX / 2 && lstat(path, &st) < 0)
		return path;
	free(path);
	return NULL;
}

static void make_something(const char *root)
{
	char *path = new_path(root);
	const char *other = any_path();

	if (!path)
		return;
	switch (roll(8)) {
	case 0:
	case 1:
		make_directory(path);
		break;
	case 2:
		make_link(path);
		break;
	case 3:
		if (is(other, S_IFREG))
			(void)link(other, path);
		break;
	default:
		write_file(path);
	}
	free(path);
}

static void replace(const char *path)
{
	remove_all(path);
	switch (roll(3)) {
	case 0:
		make_directory(path);
		break;
	case 1:
		make_link(path);
		break;
	default:
		write_file(path);
	}
}

/* The same bytes in an inode of its own: a hard link less. */
static void break_apart(const char *path)
{
	char bytes[4096];
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW);
	ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	if (got >= 0 && fstat(fd, &st) == 0 && st.st_size == got) {
		const struct timespec times[2] = { st.st_atim, st.st_mtim };

		(void)unlink(path);
		int copy = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (copy < 0 || write(copy, bytes, (size_t)got) != got)
			give_up("copy", path);
		(void)fchmod(copy, st.st_mode & 07777);
		(void)futimens(copy, times);
		(void)close(copy);
	}
	if (fd >= 0)
		(void)close(fd);
}

static void move_something(const char *root, const char *path)
{
	char *to = new_path(root);
	size_t length = strlen(path);

	if (to && (strncmp(to, path, length) != 0 || to[length] != '/') && rename(path, to) < 0)
		give_up("move", path);
	free(to);
}

static void develop(const char *root)
{
	const char *path = any_path();
	uint64_t what = roll(path_count > 60 ? 16 : 24);

	if (!path || what >= 16) {
		make_something(root);
		return;
	}
	switch (what) {
	case 0:
	case 1:
	case 2:
	case 3:
		remove_all(path);
		break;
	case 4:
	case 5:
		replace(path);
		break;
	case 6:
		change_mode(path);
		break;
	case 7:
		set_time(path);
		break;
	case 8:
	case 9:
		if (is(path, S_IFREG))
			break_apart(path);
		break;
	case 10:
		move_something(root, path);
		break;
	default:
		if (is(path, S_IFREG))
			write_file(path);
	}
}

static void damage(void)
{
	const char *path = any_path();

	if (!path)
		return;
	switch (roll(7)) {
	case 0:
		remove_all(path);
		break;
	case 1:
		replace(path);
		break;
	case 2:
		change_mode(path);
		break;
	case 3:
		set_time(path);
		break;
	case 4:
		if (is(path, S_IFREG))
			break_apart(path);
		break;
	default:
		if (is(path, S_IFREG))
			write_file(path);
	}
}

int main(int count, char **words)
{
	if (count < 4)
		return 2;
	state = strtoull(words[2], NULL, 10);
	for (long steps = strtol(words[3], NULL, 10); steps > 0; steps--) {
		look_around(words[1]);
		if (count > 4)
			damage();
		else
			develop(words[1]);
	}
	return 0;
}
