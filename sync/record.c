/* SPDX-License-Identifier: Apache-2.0 */
/* record: see record.h. */
#include "sync/record.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RECORD_MOST 4096

static void take_text(const struct json *j, const char *key, char *to, size_t room)
{
	const char *text = json_text(json_get(j, key));

	/* Cut, it would be another text. */
	if (text && strlen(text) < room)
		(void)snprintf(to, room, "%s", text);
}

static uint64_t root_of(const char *text)
{
	int64_t number;
	struct err e;

	return text && parse_count(text, 0, INT64_MAX, &number, &e) == 0 ? (uint64_t)number : 0;
}

int record_read(int dir, const char *name, struct record *ret, struct err *e)
{
	owned_buf b = BUF_INIT(RECORD_MOST);
	struct digest digest;
	struct record r = { 0 };
	struct err damage;

	*ret = r;
	if (io_read_regular(dir, name, &b, e) < 0)
		return e->sys == ENOENT || e->sys == 0 ? 0 : -1;
	struct json *j = json_read(b.data, &damage);
	if (!j)
		return 0;
	take_text(j, "digest", r.digest, sizeof(r.digest));
	take_text(j, "at", r.at, sizeof(r.at));
	take_text(j, "label", r.label, sizeof(r.label));
	r.serial = (int64_t)json_count(json_get(j, "serial"));
	r.files = json_count(json_get(j, "files"));
	r.bytes = json_count(json_get(j, "bytes"));
	r.root = root_of(json_text(json_get(j, "root")));
	r.mixed = json_get(j, "mixed");
	json_free(j);
	if (digest_parse(r.digest, &digest))
		*ret = r;
	return 0;
}

int record_write(int dir, const char *name, const struct record *r, struct err *e)
{
	struct json *j = json_object();

	json_put_text(j, "digest", r->digest);
	json_put_number(j, "serial", (double)r->serial);
	json_put_text(j, "at", r->at);
	json_put_number(j, "files", (double)r->files);
	json_put_number(j, "bytes", (double)r->bytes);
	if (r->label[0])
		json_put_text(j, "label", r->label);
	/* As text: a double would not hold every inode number. */
	owned char *root = mem_format("%" PRIu64, r->root);
	if (r->root)
		json_put_text(j, "root", root);
	if (r->mixed)
		json_put_text(j, "mixed", "yes");
	owned char *text = json_print(j, true);
	json_free(j);
	return io_replace_file(dir, name, text, strlen(text), e);
}
