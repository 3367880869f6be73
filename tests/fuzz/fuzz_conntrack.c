/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of /proc/net/nf_conntrack. */
#include "tests/fuzz/guard.h"

#include "base/mem.h"
#include "probe/conntrack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);

	while (text && *text) {
		size_t length = strcspn(text, "\n");
		owned char *line = mem_copy_part(text, length);
		struct flow f = { 0 };
		int found = conntrack_line(line, &f);

		MUST(found >= -1 && found <= 1);
		text += length + (text[length] == '\n');
	}
	return 0;
}
