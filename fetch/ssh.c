/* SPDX-License-Identifier: Apache-2.0 */
/* ssh: see ssh.h. */
#include "fetch/ssh.h"

#include "base/err.h"
#include "base/mem.h"
#include "fetch/request.h"

#include <inttypes.h>
#include <string.h>

#define PLAIN "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes"

static int check_file(const char *key, const char *file, struct err *e)
{
	if (!file || !strpbrk(file, "'\"\\\r\n"))
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\": expected a path without quotes and backslashes", key);
}

int ssh_check(const struct fetch_source *s, struct err *e)
{
	if (s->ssh_port < 1 || s->ssh_port > UINT16_MAX)
		return err_set(e, ERR_USAGE, "\"ssh-port\": expected a port, 1 to %d", UINT16_MAX);
	if (check_file("ssh-key-file", s->ssh_key_file, e) < 0)
		return -1;
	return check_file("known-hosts-file", s->known_hosts_file, e);
}

/*
 * Of known hosts ssh takes several files with blanks between them: hence quotes within quotes. git
 * adds the port of a URL itself, and the first one counts.
 */
char *ssh_command(const struct fetch_source *s)
{
	owned char *key = s->ssh_key_file
				  ? mem_format(" -o IdentitiesOnly=yes -i '%s'", s->ssh_key_file)
				  : mem_copy("");
	owned char *hosts = s->known_hosts_file ? mem_format(" -o 'UserKnownHostsFile=\"%s\"'",
							     s->known_hosts_file)
						: mem_copy("");
	owned char *port =
		s->ssh_port == SSH_PORT ? mem_copy("") : mem_format(" -p %" PRId64, s->ssh_port);

	return mem_format(PLAIN "%s%s%s", port, key, hosts);
}
