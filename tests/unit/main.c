/* SPDX-License-Identifier: Apache-2.0 */
/* main: runs every group and fails if one of them did. */
#include "tests/unit/unit.h"

#include <stdlib.h>

/* One line per file in this folder but those of fetch_main.c. */
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
	GROUP(test_condition)    \
	GROUP(test_long_enough)  \
	GROUP(test_rules)        \
	GROUP(test_word)         \
	GROUP(test_number)       \
	GROUP(test_sources)      \
	GROUP(test_panel)        \
	GROUP(test_object)       \
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
