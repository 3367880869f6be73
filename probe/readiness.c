/* SPDX-License-Identifier: Apache-2.0 */
/* readiness: see readiness.h. */
#include "probe/readiness.h"

bool readiness_verdict(const struct readiness_facts *f, const char **ret_reason)
{
	if (f->waiting_for_lock)
		*ret_reason = "another sidecar still has the target";
	else if (!f->published)
		*ret_reason = f->sync_failed ? "the sync failed" : "the sync is not finished";
	else if (!f->reload_wanted || f->acknowledged)
		*ret_reason = "ready";
	else
		*ret_reason = f->refused ? "the game did not acknowledge the reload"
					 : "the reload is not acknowledged yet";
	return f->published && !f->waiting_for_lock && (!f->reload_wanted || f->acknowledged);
}
