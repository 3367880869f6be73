/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	struct status_range range;
	struct err e;
	int64_t number;
	int signal;

	if (!text)
		return 0;
	size_t length = strlen(text), digits = strspn(text, "0123456789");
	if (parse_count(text, 3, 1000, &number, &e) == 0)
		MUST(number >= 3 && number <= 1000 && digits == length);
	if (parse_duration(text, &number, &e) == 0)
		MUST(number >= 0 && number <= INT32_MAX && digits > 0 &&
		     strspn(text, "0123456789.msh") == length);
	if (parse_signal(text, &signal, &e) == 0)
		MUST(signal >= 1 && signal <= 64 &&
		     signal_name(signal)[0] == (signal > 31 ? 's' : 'S'));
	if (parse_status_range(text, &range, &e) == 0)
		MUST(range.least >= 100 && range.most <= 599 && range.least <= range.most &&
		     (length == 3 || length == 7));
	return 0;
}
