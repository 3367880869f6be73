/* SPDX-License-Identifier: Apache-2.0 */
/* A resident's answer: taken only when it is, byte for byte, what a resident of ours says. */
#include "tests/fuzz/guard.h"

#include "base/mem.h"
#include "base/text.h"
#include "sidecar/ask_probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);

	if (!text)
		return 0;
	struct verdict v = ask_probe_read("drain", text);
	MUST(word_is_safe(v.word));
	if (v.why[0]) {
		MUST(!v.pass && text_is(v.word, RULES_UNKNOWN));
	} else {
		owned char *ours = ask_probe_answer("drain", &v);

		MUST(text_is(ours, text));
	}
	return 0;
}
