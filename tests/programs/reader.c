/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: what a game sees while versions are published. Each file says the version it is of, in
 * every one of its LINES lines. Ends at SIGTERM, telling what it saw; at once, with 1, when that
 * was wrong.
 *
 *   reader whole FOLDER...   opens a folder, then from that handle all in it: one version only,
 *                            with its own name "only-VERSION" and no other's
 *   reader each FILE...      opens files by path, in any order: always one, whole, never an older
 *                            one than before
 *   reader append FILE       appends lines "1", "2", ... opening the file again now and then
 *   reader stay FOLDER       makes files "1", "2", ... from a handle that it opened once
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINES 300
#define FILES_MOST 64
#define OPEN_AGAIN 50
#define PAUSE_NS 200000

static volatile sig_atomic_t ended;
static unsigned long rounds, versions;

static void on_term(int signal)
{
	(void)signal;
	ended = 1;
}

static void wrong(const char *path, const char *what)
{
	(void)printf("wrong after %lu rounds: '%s': %s\n", rounds, path, what);
	(void)fflush(stdout);
	exit(1);
}

/* The version that a file says it is of. */
static long version_in(int dir, const char *path)
{
	char text[LINES * 24], *at = text;
	long version = -1;
	int lines = 0, fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got = 1;

	if (fd < 0)
		wrong(path, strerror(errno));
	while (got > 0 && length < sizeof(text) - 1) {
		got = read(fd, text + length, sizeof(text) - 1 - length);
		if (got < 0)
			wrong(path, strerror(errno));
		length += (size_t)got;
	}
	(void)close(fd);
	text[length] = '\0';
	for (; *at; lines++) {
		char *end;
		long says = strtol(at, &end, 10);

		if (end == at || *end != '\n')
			wrong(path, "a line that is none");
		if (version >= 0 && says != version)
			wrong(path, "two versions in one file");
		version = says;
		at = end + 1;
	}
	if (lines != LINES)
		wrong(path, "not the whole file");
	return version;
}

/* What is of version; -1 at first. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree that the test has made. */
static void read_folder(int fd, const char *path, long *version, unsigned *files)
{
	DIR *dir = fdopendir(fd);
	struct dirent *found;

	if (!dir)
		wrong(path, strerror(errno));
	while ((found = readdir(dir))) {
		const char *name = found->d_name;
		struct stat st;

		if (name[0] == '.' || strncmp(name, "save", 4) == 0)
			continue;
		if (fstatat(fd, name, &st, 0) < 0)
			wrong(name, strerror(errno));
		if (S_ISDIR(st.st_mode)) {
			int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

			if (inner < 0)
				wrong(name, strerror(errno));
			read_folder(inner, name, version, files);
			continue;
		}
		long says = version_in(fd, name);
		if (*version >= 0 && says != *version)
			wrong(name, "another version than the file before");
		if (strncmp(name, "only-", 5) == 0 && strtol(name + 5, NULL, 10) != says)
			wrong(name, "a name of another version");
		*version = says;
		++*files;
	}
	(void)closedir(dir);
}

static void read_whole(int count, char **folders)
{
	long seen[FILES_MOST] = { 0 };
	unsigned had[FILES_MOST] = { 0 };

	for (; !ended; rounds++) {
		const int which = (int)(rounds % (unsigned long)count);
		long version = -1;
		unsigned files = 0;
		int fd = open(folders[which], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			wrong(folders[which], strerror(errno));
		read_folder(fd, folders[which], &version, &files);
		if (version < seen[which])
			wrong(folders[which], "an older version than before");
		if (had[which] && files != had[which])
			wrong(folders[which], "not all files");
		versions += version != seen[which];
		seen[which] = version;
		had[which] = files;
	}
}

static void read_each(int count, char **files)
{
	long seen[FILES_MOST] = { 0 };
	unsigned random = 1;

	for (; !ended; rounds++) {
		random = random * 1103515245 + 12345;
		const int which = (int)((random >> 16) % (unsigned)count);
		long version = version_in(AT_FDCWD, files[which]);

		if (version < seen[which])
			wrong(files[which], "an older version than before");
		versions += version != seen[which];
		seen[which] = version;
	}
}

static void pause_a_little(void)
{
	const struct timespec span = { .tv_nsec = PAUSE_NS };

	(void)nanosleep(&span, NULL);
}

static void append(const char *path)
{
	int fd = -1;

	for (; !ended; pause_a_little()) {
		if (rounds % OPEN_AGAIN == 0) {
			(void)close(fd);
			fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
		}
		if (fd < 0 || dprintf(fd, "%lu\n", ++rounds) < 0)
			wrong(path, strerror(errno));
	}
}

static void stay(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (; !ended; pause_a_little()) {
		char name[24];

		(void)snprintf(name, sizeof(name), "%lu", ++rounds);
		int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			wrong(path, strerror(errno));
		(void)close(fd);
	}
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_term };

	(void)sigaction(SIGTERM, &action, NULL);
	if (argc < 3 || argc - 2 > FILES_MOST)
		return 2;
	(void)printf("reading\n");
	(void)fflush(stdout);
	if (strcmp(argv[1], "whole") == 0)
		read_whole(argc - 2, argv + 2);
	else if (strcmp(argv[1], "each") == 0)
		read_each(argc - 2, argv + 2);
	else if (strcmp(argv[1], "append") == 0)
		append(argv[2]);
	else if (strcmp(argv[1], "stay") == 0)
		stay(argv[2]);
	else
		return 2;
	(void)printf("rounds %lu versions %lu\n", rounds, versions);
	return 0;
}
