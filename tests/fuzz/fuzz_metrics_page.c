/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line is the sample that is asked for, the others are the page. A value is finite, is
 * the same when it is asked for as a sum, and is gone with the last newline.
 */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/mem.h"
#include "probe/metrics_page.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	double one, sum;
	struct err e;

	if (!text || !strchr(text, '\n'))
		return 0;
	const char *page = strchr(text, '\n') + 1;
	owned char *sample = mem_copy_part(text, (size_t)(page - 1 - text));
	if (metrics_page_check(sample, &e) < 0)
		return 0;
	int has_one = metrics_page_read(page, sample, false, &one, &e);
	int has_sum = metrics_page_read(page, sample, true, &sum, &e);

	MUST(has_one < 0 || isfinite(one));
	MUST(has_sum < 0 || (isfinite(sum) && sum >= 0));
	if (has_one == 0)
		MUST(one < 0 ? has_sum < 0 : has_sum == 0 && sum >= one && sum <= one);
	if (has_sum == 0) {
		owned char *cut = mem_copy_part(page, strlen(page) - 1);

		MUST(!strchr(cut, '\n') || cut[strlen(cut) - 1] == '\n' ||
		     metrics_page_read(cut, sample, true, &sum, &e) < 0);
	}
	return 0;
}
