/* SPDX-License-Identifier: Apache-2.0 */
/* s3_keys: see s3_keys.h. No error has a key in it. */
#include "fetch/s3_keys.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fetch/transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST ((size_t)64 * 1024)
#define KEY_MOST 8192 /* bytes; a session token has some hundred */

static void keep(char **place, const char *value)
{
	free(*place);
	*place = value && *value ? mem_copy(value) : NULL;
}

void s3_keys_done(struct transfer_keys *k)
{
	free(k->id);
	free(k->secret);
	free(k->token);
	*k = (struct transfer_keys){ 0 };
}

/* They become part of a header. */
static bool is_sound(const char *text)
{
	if (text && strlen(text) > KEY_MOST)
		return false;
	for (; text && *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static int check(const struct transfer_keys *k, struct err *e)
{
	if (!k->id || !k->secret)
		return err_set(e, ERR_USAGE,
			       "expected AccessKeyId and SecretAccessKey as JSON, or "
			       "aws_access_key_id and aws_secret_access_key below [default]");
	if (!is_sound(k->id) || !is_sound(k->secret) || !is_sound(k->token))
		return err_set(e, ERR_USAGE, "a key has blanks or other letters that no key has");
	return 0;
}

static int read_json(const char *text, struct transfer_keys *ret, struct err *e)
{
	struct json *j = json_read(text, e);

	if (!j)
		return -1;
	keep(&ret->id, json_text(json_get(j, "AccessKeyId")));
	keep(&ret->secret, json_text(json_get(j, "SecretAccessKey")));
	keep(&ret->token, json_text(json_get(j, "SessionToken")));
	json_free(j);
	return 0;
}

static char *trimmed(char *text)
{
	text += strspn(text, " \t\r");
	for (size_t end = strlen(text); end && strchr(" \t\r", text[end - 1]); end--)
		text[end - 1] = '\0';
	return text;
}

static void read_ini(char *text, struct transfer_keys *ret)
{
	bool wanted = true; /* before the first heading, too */

	for (char *line; (line = strsep(&text, "\n"));) {
		line = trimmed(line);
		if (*line == '[')
			wanted = text_is(line, "[default]");
		char *value = strchr(line, '=');
		if (!wanted || !value || *line == '#' || *line == ';')
			continue;
		*value++ = '\0';
		line = trimmed(line);
		value = trimmed(value);
		if (text_is(line, "aws_access_key_id"))
			keep(&ret->id, value);
		else if (text_is(line, "aws_secret_access_key"))
			keep(&ret->secret, value);
		else if (text_is(line, "aws_session_token"))
			keep(&ret->token, value);
	}
}

int s3_keys_read(char *text, struct transfer_keys *ret, struct err *e)
{
	*ret = (struct transfer_keys){ 0 };
	if (text[strspn(text, " \t\r\n")] == '{') {
		if (read_json(text, ret, e) < 0)
			return -1;
	} else {
		read_ini(text, ret);
	}
	return check(ret, e);
}

int s3_keys_load(const char *file, struct transfer_keys *ret, struct err *e)
{
	owned_buf b = BUF_INIT(FILE_MOST);

	*ret = (struct transfer_keys){ 0 };
	if (!file) {
		keep(&ret->id, getenv("AWS_ACCESS_KEY_ID"));
		keep(&ret->secret, getenv("AWS_SECRET_ACCESS_KEY"));
		keep(&ret->token, getenv("AWS_SESSION_TOKEN"));
		if (!ret->id && !ret->secret)
			return 0;
		return check(ret, e) < 0 ? err_in(e, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
					 : 0;
	}
	if (io_read_file(AT_FDCWD, file, &b, e) < 0 || s3_keys_read(b.data, ret, e) < 0)
		return err_in(e, "key-file '%s'", file);
	return 0;
}
