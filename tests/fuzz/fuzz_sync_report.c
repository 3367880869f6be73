/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/guard.h"

#include "base/mem.h"
#include "sidecar/sync_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	struct sync_report r = { 0 };
	struct err e = { 0 };

	if (!text)
		return 0;
	if (sync_report_read(text, &r, &e) < 0) {
		MUST(e.kind == ERR_SYSTEM && e.text[0]);
		return 0;
	}
	MUST(memchr(r.result.published.digest, '\0', sizeof(r.result.published.digest)));
	MUST(memchr(r.result.published.at, '\0', sizeof(r.result.published.at)));
	MUST(memchr(r.e.text, '\0', sizeof(r.e.text)));
	MUST(r.took_ms >= 0 && r.result.published.serial >= 0);
	owned char *said = sync_report_say(&r), *printed = sync_report_print(&r);
	MUST(said[0] && sync_report_read(printed, &r, &e) == 0);
	return 0;
}
