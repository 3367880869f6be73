/* SPDX-License-Identifier: Apache-2.0 */
/* Networks whose peers do not count. */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "probe/prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	uint8_t other[16];
	struct prefix p;
	struct err e;

	if (!text || prefix_parse(text, &p, &e) < 0)
		return 0;
	MUST(p.bits >= 1 && p.bits <= 128);
	memcpy(other, p.address, sizeof(other));
	MUST(prefix_has(&p, other));
	other[(p.bits - 1) / 8] ^= (uint8_t)(0x80 >> (p.bits - 1) % 8);
	MUST(!prefix_has(&p, other));
	return 0;
}
