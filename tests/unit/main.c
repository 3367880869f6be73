/* SPDX-License-Identifier: Apache-2.0 */
/* main: runs every group and fails if one of them did. */
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

/* One line per file in this folder. */
#define GROUPS(GROUP)            \
	GROUP(test_parse)        \
	GROUP(test_pattern)      \
	GROUP(test_pool)         \
	GROUP(test_text)         \
	GROUP(test_buf)          \
	GROUP(test_list)         \
	GROUP(test_err)          \
	GROUP(test_clock)        \
	GROUP(test_float)        \
	GROUP(test_generations)  \
	GROUP(test_address)      \
	GROUP(test_setting)      \
	GROUP(test_json)         \
	GROUP(test_digest)       \
	GROUP(test_io)           \
	GROUP(test_beneath)      \
	GROUP(test_loop)         \
	GROUP(test_watch)        \
	GROUP(test_sockets)      \
	GROUP(test_child)        \
	GROUP(test_tree)         \
	GROUP(test_scan)         \
	GROUP(test_layer)        \
	GROUP(test_merge)        \
	GROUP(test_merge_model)  \
	GROUP(test_explain)      \
	GROUP(test_manifest)     \
	GROUP(test_copy)         \
	GROUP(test_verify)       \
	GROUP(test_seal)         \
	GROUP(test_state)        \
	GROUP(test_process)      \
	GROUP(test_process_why)  \
	GROUP(test_cost)         \
	GROUP(test_reload)       \
	GROUP(test_turn)         \
	GROUP(test_content)      \
	GROUP(test_runner)       \
	GROUP(test_readiness)    \
	GROUP(test_config)       \
	GROUP(test_progress)     \
	GROUP(test_prometheus)   \
	GROUP(test_metrics)      \
	GROUP(test_request)      \
	GROUP(test_prefix)       \
	GROUP(test_conntrack)    \
	GROUP(test_source_file)  \
	GROUP(test_local)        \
	GROUP(test_query)        \
	GROUP(test_source_query) \
	GROUP(test_corpus)

#define DECLARE(name) int name(void);
GROUPS(DECLARE)

int main(void)
{
	int failed = 0;

#define RUN(name) failed += name();
	GROUPS(RUN)
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
