/* SPDX-License-Identifier: Apache-2.0 */
/* corpus: see corpus.h. */
#include "tests/unit/corpus.h"

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

/* What MUST() calls. */
void corpus_failed(const char *condition);

void corpus_failed(const char *condition)
{
	fail_msg("%s: must hold: %s", current, condition);
}

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

static void run_input(const struct corpus_target *target, const char *path)
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
	const struct corpus_target *target = *state;
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

int corpus_run(const char *group, const struct corpus_target *targets, size_t count)
{
	struct CMUnitTest *tests = mem_alloc(count * sizeof(*tests));

	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){
			.name = targets[i].name,
			.test_func = inputs_of_a_target,
			.initial_state = (void *)&targets[i],
		};
	int failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	free(tests);
	return failed;
}
