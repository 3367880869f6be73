/* SPDX-License-Identifier: Apache-2.0 */
/* remove: delete a name and all below it, never following a link. */
#pragma once

/* 0 when it is gone or was never there, else -1 with errno of what could not be deleted. */
int remove_all(int dir, const char *name);
