/* SPDX-License-Identifier: Apache-2.0 */
/* corpus: every input that was once worth keeping, again for every fuzz target of tests/fuzz. */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>

#define CORPUS "tests/fuzz/corpus" /* tests are run from the top of the repository */
#define INPUT_MOST ((size_t)1 << 20)

/* The input that is being run. */
static const char *current = "no input";

#define MUST(condition)                                                     \
	do {                                                                \
		if (!(condition))                                           \
			fail_msg("%s: must hold: %s", current, #condition); \
	} while (0)

#define TARGET(name) int name(const uint8_t *data, size_t size)
TARGET(fuzz_address);
TARGET(fuzz_config_json);
TARGET(fuzz_conntrack);
TARGET(fuzz_json_pointer);
TARGET(fuzz_manifest);
TARGET(fuzz_metrics_page);
TARGET(fuzz_parse);
TARGET(fuzz_prefix);
TARGET(fuzz_printable);
TARGET(fuzz_process);
TARGET(fuzz_prometheus);
TARGET(fuzz_sockets);
TARGET(fuzz_sockets_diag);
TARGET(fuzz_sync_report);
TARGET(fuzz_url);

/* NOLINTBEGIN(bugprone-suspicious-include) */
#define LLVMFuzzerTestOneInput fuzz_address
#include "tests/fuzz/fuzz_address.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_config_json
#include "tests/fuzz/fuzz_config_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_conntrack
#include "tests/fuzz/fuzz_conntrack.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_json_pointer
#include "tests/fuzz/fuzz_json_pointer.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_manifest
#include "tests/fuzz/fuzz_manifest.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_metrics_page
#include "tests/fuzz/fuzz_metrics_page.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_parse
#include "tests/fuzz/fuzz_parse.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_prefix
#include "tests/fuzz/fuzz_prefix.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_printable
#include "tests/fuzz/fuzz_printable.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_process
#include "tests/fuzz/fuzz_process.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_prometheus
#include "tests/fuzz/fuzz_prometheus.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_sockets
#include "tests/fuzz/fuzz_sockets.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_sockets_diag
#include "tests/fuzz/fuzz_sockets_diag.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_sync_report
#include "tests/fuzz/fuzz_sync_report.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_url
#include "tests/fuzz/fuzz_url.c"
#undef LLVMFuzzerTestOneInput
/* NOLINTEND(bugprone-suspicious-include) */

struct target {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
};

static const struct target targets[] = {
	{ "address", fuzz_address },
	{ "config_json", fuzz_config_json },
	{ "conntrack", fuzz_conntrack },
	{ "json_pointer", fuzz_json_pointer },
	{ "manifest", fuzz_manifest },
	{ "metrics_page", fuzz_metrics_page },
	{ "parse", fuzz_parse },
	{ "prefix", fuzz_prefix },
	{ "printable", fuzz_printable },
	{ "process", fuzz_process },
	{ "prometheus", fuzz_prometheus },
	{ "sockets", fuzz_sockets },
	{ "sockets_diag", fuzz_sockets_diag },
	{ "sync_report", fuzz_sync_report },
	{ "url", fuzz_url },
};

static struct list names_in(const char *folder)
{
	struct list names = { 0 };
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		fail_msg("%s: cannot be opened", folder);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			list_add(&names, entry->d_name);
	if (dir)
		(void)closedir(dir);
	return names;
}

static void run_input(const struct target *target, const char *path)
{
	owned_buf b = BUF_INIT(INPUT_MOST);
	struct err e = { 0 };

	if (io_read_file(AT_FDCWD, path, &b, &e) < 0)
		fail_msg("%s", e.text);
	current = path;
	assert_int_equal(target->run((const uint8_t *)b.data, b.length), 0);
	current = "no input";
}

static void inputs_of_a_target(void **state)
{
	const struct target *target = *state;
	owned char *folder = mem_format(CORPUS "/%s", target->name);
	struct list names = names_in(folder);

	assert_true(names.count > 0);
	assert_int_equal(target->run((const uint8_t *)"", 0), 0);
	for (size_t i = 0; i < names.count; i++) {
		owned char *path = mem_format("%s/%s", folder, names.items[i]);

		run_input(target, path);
	}
	list_clear(&names);
}

int test_corpus(void);

int test_corpus(void)
{
	struct CMUnitTest tests[sizeof(targets) / sizeof(targets[0])];

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		tests[i] = (struct CMUnitTest){
			.name = targets[i].name,
			.test_func = inputs_of_a_target,
			.initial_state = (void *)&targets[i],
		};
	return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
