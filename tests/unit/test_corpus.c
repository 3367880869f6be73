/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets have found. */
#include "tests/unit/corpus.h"

/* One line per target. */
#define TARGETS(TARGET)      \
	TARGET(a2s)          \
	TARGET(address)      \
	TARGET(config_json)  \
	TARGET(conntrack)    \
	TARGET(json_pointer) \
	TARGET(manifest)     \
	TARGET(metrics_page) \
	TARGET(minecraft)    \
	TARGET(parse)        \
	TARGET(prefix)       \
	TARGET(printable)    \
	TARGET(probe_answer) \
	TARGET(probe_kept)   \
	TARGET(probe_rules)  \
	TARGET(process)      \
	TARGET(prometheus)   \
	TARGET(quake3)       \
	TARGET(sockets)      \
	TARGET(sockets_diag) \
	TARGET(sync_report)  \
	TARGET(url)

TARGETS(CORPUS_DECLARE)

static const struct corpus_target targets[] = { TARGETS(CORPUS_ENTRY) };

int test_corpus(void);

int test_corpus(void)
{
	return corpus_run("corpus", targets, sizeof(targets) / sizeof(targets[0]));
}
