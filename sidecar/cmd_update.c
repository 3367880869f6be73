/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_update: `update`: brings what stdin says to the resident, see run_update.c. */
#include "base/buf.h"
#include "base/err.h"
#include "base/http_client.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/resident.h"
#include "sidecar/update.h"

#include <stdio.h>
#include <unistd.h>

static void print(const struct config *c, const char *answer)
{
	struct err ignored;
	struct json *j = c->json ? NULL : json_read(answer, &ignored);
	const char *state = json_text(json_get(j, "state"));
	const char *error = json_text(json_get(j, "error"));
	const char *published = json_text(json_get(j, "published"));
	owned char *line = state ? mem_format("%s%s%s; published is %s", state, error ? ": " : "",
					      error ? error : "", published ? published : "nothing")
				 : NULL;
	owned char *printable = text_printable(line ? line : "");

	(void)printf(line ? "%s\n" : "%s", line ? printable : answer);
	json_free(j);
}

int cmd_update(struct config *c)
{
	owned_buf b = BUF_INIT(UPDATE_MOST);
	struct http_result result;
	struct err e;

	if (io_read_all(STDIN_FILENO, &b, &e) < 0) {
		(void)err_in(&e, "standard input");
		return command_failed(&e);
	}
	int status = resident_ask(c, "POST", "/v1/update", b.length ? b.data : "", c->wait.deadline,
				  &result, &e);

	if (result.status)
		print(c, result.body.data);
	else
		status = command_failed(&e);
	if (!result.status && !result.unreachable)
		(void)fputs("gs-sidecar: the update may go on: 'gs-sidecar status' tells\n",
			    stderr);
	http_result_done(&result);
	return status < 0 ? EXIT_REMOTE : status;
}
