/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the kernel's list of sockets. */
#include "tests/fuzz/guard.h"

#include "base/sockets_diag.h"

#include <errno.h>

static void count_connection(const struct connection *c, void *user)
{
	(void)c;
	++*(size_t *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *part = guard_bytes(data, size);
	size_t count = 0;
	const struct sockets_look look = { .seen = count_connection, .user = &count };
	bool changed = false;

	if (!part)
		return 0;
	errno = 0;
	enum sockets_pass pass = sockets_diag_part(&look, part, size, &changed);
	MUST(count <= size / sizeof(struct sockets_diag_head));
	MUST(pass != SOCKETS_PASS_MORE || size >= sizeof(struct sockets_diag_head));
	MUST(pass != SOCKETS_PASS_FAILED || errno);
	return 0;
}
