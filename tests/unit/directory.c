/* SPDX-License-Identifier: Apache-2.0 */
/* directory: fresh directories, gone with the program. */
#include "tests/unit/unit.h"

#include "sync/remove.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char directories[PATH_MAX];

static void remove_directories(void)
{
	(void)remove_all(AT_FDCWD, directories);
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
