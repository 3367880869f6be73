/* SPDX-License-Identifier: Apache-2.0 */
/* remote: filesystems that others write to behind the kernel's back, so that inotify says nothing.
 */
#pragma once

/* The filesystem's name for people, NULL when it is not such a one. */
const char *remote_name(int fd);
