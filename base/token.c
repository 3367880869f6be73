/* SPDX-License-Identifier: Apache-2.0 */
/* token: see token.h. */
#include "base/token.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>

#define SCHEME "Bearer "

int token_read(const char *file, struct buf *b, struct err *e)
{
	owned_fd fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_sys(e, "token-file '%s'", file);
	if (io_read_all(fd, b, e) < 0)
		return err_in(e, "token-file '%s'", file);
	b->length = strcspn(b->data, "\r\n");
	if (b->length == 0)
		return err_set(e, ERR_USAGE, "token-file '%s': its first line is empty", file);
	b->data[b->length] = '\0';
	return 0;
}

bool token_is_in(const char *authorization, const char *token)
{
	size_t length = strlen(token);
	unsigned difference = 0;

	if (!authorization || strncasecmp(authorization, SCHEME, sizeof(SCHEME) - 1) != 0)
		return false;
	const char *given = authorization + sizeof(SCHEME) - 1;
	given += strspn(given, " ");
	/* Each byte of what was given meets one of the token, the last ones its end. */
	for (size_t i = 0; i <= strlen(given); i++)
		difference |= (unsigned char)(given[i] ^ token[i < length ? i : length]);
	return difference == 0 && strlen(given) == length;
}

int token_check(const char *file, const char *authorization, struct err *e)
{
	owned_buf token = BUF_INIT(TOKEN_MOST);

	return token_read(file, &token, e) < 0 ? -1 : !token_is_in(authorization, token.data);
}
