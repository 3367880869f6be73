/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rollback: `rollback`: publish an older version again, by the resident where there is one. */
#include "base/err.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/one_sync.h"
#include "sidecar/resident_sync.h"
#include "sync/rollback.h"

int check_rollback(const struct config *c, struct err *e)
{
	if (c->operands.count > 1)
		return err_set(e, ERR_USAGE, "expected one digest: gs-sidecar rollback [DIGEST]");
	return c->operands.count ? rollback_check_text(c->operands.items[0], e) : 0;
}

/* Where nothing was said about the mode: the one that the target was published in. */
static int keep_mode(struct config *c, struct err *e)
{
	if (!text_is(config_origin(c, "publish"), "default"))
		return 0;
	return sync_find_mode(&c->sync, e);
}

int cmd_rollback(struct config *c)
{
	const char *to = c->operands.count ? c->operands.items[0] : ONE_SYNC_NEWEST;
	struct err e = { 0 };
	int status;

	if (c->sync.target)
		return keep_mode(c, &e) < 0 ? command_failed(&e) : one_sync(c, to);
	status = resident_sync(c, to, &e);
	if (status >= 0)
		return status;
	(void)err_in(&e, "target is not set, and");
	return command_failed(&e);
}
