/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of gs-fetch have found. */
#include "tests/unit/corpus.h"

/* One line per target. */
#define TARGETS(TARGET)       \
	TARGET(archive)       \
	TARGET(fetch_request) \
	TARGET(fetch_state)   \
	TARGET(s3_keys)       \
	TARGET(s3_list)

TARGETS(CORPUS_DECLARE)

static const struct corpus_target targets[] = { TARGETS(CORPUS_ENTRY) };

int test_fetch_corpus(void);

int test_fetch_corpus(void)
{
	return corpus_run("fetch_corpus", targets, sizeof(targets) / sizeof(targets[0]));
}
