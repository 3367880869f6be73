/* SPDX-License-Identifier: Apache-2.0 */
/* directory: fresh directories, gone with the program. */
#include "tests/unit/unit.h"

#include "base/fd.h"
#include "sync/remove.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char directories[PATH_MAX];

/* What is mounted stays, so the directory they are in has to be named by a descriptor. */
static void remove_directories(void)
{
	char *slash = strrchr(directories, '/');

	*slash = '\0';
	owned_fd base = open(directories, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base < 0 || remove_all(base, slash + 1) < 0)
		perror(slash + 1);
}

const char *unit_directory(void)
{
	static char path[PATH_MAX + 16];
	static unsigned count;
	const char *base = getenv("TMPDIR");

	if (!directories[0]) {
		(void)snprintf(directories, sizeof(directories), "%s/gs-sidecar-unit-XXXXXX",
			       base ? base : "/tmp");
		if (!mkdtemp(directories))
			abort();
		(void)atexit(remove_directories);
	}
	(void)snprintf(path, sizeof(path), "%s/%u", directories, count++);
	if (mkdir(path, 0755) < 0)
		abort();
	return path;
}
