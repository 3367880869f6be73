/* SPDX-License-Identifier: Apache-2.0 */
/* readiness: see readiness.h. */
#include "probe/readiness.h"

bool readiness_verdict(const struct readiness_facts *f, const char **ret_reason)
{
	if (f->waiting_for_lock)
		*ret_reason = "another sidecar still has the target";
	else if (!f->published)
		*ret_reason = f->sync_failed ? "the sync failed" : "the sync is not finished";
	else if (f->reload_wanted && !f->acknowledged)
		*ret_reason = f->refused    ? "the game did not acknowledge the reload"
			      : f->unproven ? "the reload is not proven"
					    : "the reload is not acknowledged yet";
	else
		*ret_reason = f->failed ? f->failed : "ready";
	return f->published && !f->waiting_for_lock && (!f->reload_wanted || f->acknowledged) &&
	       !f->failed;
}
