/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file of any bytes is taken, or refused with a reason. */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"

static void check_config(const uint8_t *data, size_t size)
{
	owned_fd fd = memfd_create("config", MFD_CLOEXEC);
	owned char *flag = mem_format("--config=/proc/self/fd/%d", fd);
	char *arguments[] = { flag, NULL }, *environment[] = { NULL };
	struct config c;
	struct err e = { 0 };

	MUST(fd >= 0 && io_write(fd, data, size) == 0);
	config_init(&c);
	int status = config_load(&c, command_find("run"), arguments, environment, &e);
	MUST(status == 0 || (status == -1 && e.kind == ERR_USAGE && e.text[0]));
	config_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	struct err e = { 0 };

	if (!text)
		return 0;
	struct json *j = json_read(text, &e);
	MUST(j || (e.kind == ERR_USAGE && e.text[0]));
	if (j) {
		owned char *line = json_print(j, false), *lines = json_print(j, true);

		MUST(line[0] && lines[0]);
	}
	json_free(j);
	check_config(data, size);
	return 0;
}
