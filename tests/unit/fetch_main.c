/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_main: as main.c, the groups of gs-fetch, which are a program of their own. */
#include "tests/unit/unit.h"

#include <locale.h>
#include <stdlib.h>

#define GROUPS(GROUP)             \
	GROUP(test_path)          \
	GROUP(test_plant)         \
	GROUP(test_planter)       \
	GROUP(test_trust)         \
	GROUP(test_unpack)        \
	GROUP(test_growing)       \
	GROUP(test_digester)      \
	GROUP(test_fetch_request) \
	GROUP(test_fetch_update)  \
	GROUP(test_fetch_tree)    \
	GROUP(test_fetch_s3)      \
	GROUP(test_fetch_corpus)

#define DECLARE(name) int name(void);
GROUPS(DECLARE)

int main(void)
{
	int failed = 0;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
#define RUN(name) failed += name();
	GROUPS(RUN)
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
