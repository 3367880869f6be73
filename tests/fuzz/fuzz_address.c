/* SPDX-License-Identifier: Apache-2.0 */
/* An address that was understood is written so that it is understood as the same. */
#include "tests/fuzz/guard.h"

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	struct address a, again;
	struct err e = { 0 };
	int dir = -1;

	if (!text)
		return 0;
	owned char *shorter = address_short_path(text, &dir);
	MUST(!shorter || strlen(shorter) < 108);
	if (dir >= 0)
		(void)close(dir);
	if (address_parse(text, &a, &e) < 0) {
		MUST(e.kind == ERR_USAGE && e.text[0]);
		return 0;
	}
	owned char *written = address_text(&a);
	MUST(address_parse(written, &again, &e) == 0);
	MUST(again.kind == a.kind && again.port == a.port && again.ipv6 == a.ipv6 &&
	     strcmp(again.host, a.host) == 0 && address_is_local(&again) == address_is_local(&a));
	address_done(&a);
	address_done(&again);
	return 0;
}
