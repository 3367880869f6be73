/* SPDX-License-Identifier: Apache-2.0 */
/* resident_sync: see resident_sync.h. */
#include "sidecar/resident_sync.h"

#include "base/err.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/mem.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/resident.h"
#include "sidecar/sync_report.h"

#include <stdio.h>
#include <stdlib.h>

/* As long as a sync may take. */
#define ASK_TIMEOUT_MS ((int64_t)60 * 60 * 1000)

static int tell(const struct config *c, const char *text, struct err *e)
{
	struct sync_report report;

	if (sync_report_read(text, &report, e) < 0)
		return command_failed(e);
	if (c->json) {
		(void)printf("%s\n", text);
	} else if (report.done) {
		owned char *said = sync_report_say(&report);

		(void)printf("%s\n", said);
	}
	json_free(report.fetched);
	if (report.done)
		return EXIT_DONE;
	return c->json ? (int)err_exit_status(&report.e) : command_failed(&report.e);
}

int resident_sync(const struct config *c, const char *back, struct err *e)
{
	/* It may have another working directory. */
	owned char *target = c->sync.target ? realpath(c->sync.target, NULL) : NULL;
	owned char *body = mem_format("%s\n%s", back ? back : "", target ? target : "");
	struct http_result result;
	int status = resident_ask(c, "POST", back ? "/v1/rollback" : "/v1/sync", body,
				  ASK_TIMEOUT_MS, &result, e);

	if (status == 0)
		status = tell(c, result.body.data, e);
	else if (!result.unreachable)
		status = command_failed(e);
	http_result_done(&result);
	return status;
}
