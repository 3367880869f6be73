/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of /proc/net/tcp and tcp6. */
#include "tests/fuzz/guard.h"

#include "base/mem.h"
#include "base/sockets_proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);

	while (text && *text) {
		size_t length = strcspn(text, "\n");
		owned char *line = mem_copy_part(text, length);
		struct connection c = { 0 };
		int found = sockets_proc_line(line, &c);

		MUST(found >= -1 && found <= 1);
		MUST((found == 1) == (c.identity != 0));
		text += length + (text[length] == '\n');
	}
	return 0;
}
