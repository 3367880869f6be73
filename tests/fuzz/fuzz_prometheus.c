/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the instant query API. What is taken is one finite number, one text or nothing, and
 * none of it is taken any more when its last brace is missing, or with another status.
 */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/mem.h"
#include "probe/prometheus.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = guard_text(data, size);
	struct prometheus_value v;
	struct err e = { 0 };

	if (!body)
		return 0;
	int status = prometheus_read(200, body, &v, &e);
	owned char *text = v.text;
	MUST((status < 0) == (e.kind != ERR_NONE));
	if (status < 0) {
		MUST(!text);
		return 0;
	}
	MUST(isfinite(v.number));
	MUST(!v.empty || !text);
	owned char *cut = mem_copy(body);
	*strrchr(cut, '}') = '\0';
	MUST(prometheus_read(200, cut, &v, &e) < 0);
	MUST(prometheus_read(503, body, &v, &e) < 0);
	return 0;
}
