/* SPDX-License-Identifier: Apache-2.0 */
/* panel_holds: what panel.c and panel_holds.c share. */
#pragma once

#include "probe/panel.h"

/* Another number when panel_evidence() would say something else. */
uint64_t panel_holds_sum(struct panel *p);
