/* SPDX-License-Identifier: Apache-2.0 */
/* source_s3: one object, or all below a prefix, of a server that speaks S3. */
#include "base/mem.h"
#include "base/setting.h"
#include "base/text.h"
#include "fetch/download.h"
#include "fetch/parcel.h"
#include "fetch/s3_keys.h"
#include "fetch/s3_prefix.h"

#include <string.h>

#define SCHEME "s3://"

static const char *key_in(const char *url)
{
	const char *bucket = url + strlen(SCHEME);

	return bucket + strcspn(bucket, "/") + 1;
}

static bool is_prefix(const char *url)
{
	const char *bucket = url + strlen(SCHEME);

	return !strchr(bucket, '/') || text_ends(url, "/");
}

static int check(const struct fetch_source *s, struct err *e)
{
	const char *bucket = s->s3 + strlen(SCHEME);
	size_t length = text_starts(s->s3, SCHEME) ? strcspn(bucket, "/") : 0;

	if (length < 3 || strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-_") < length)
		return err_set(e, ERR_USAGE,
			       "\"s3\": expected s3://BUCKET/KEY or "
			       "s3://BUCKET/PREFIX/");
	if (s->endpoint && strpbrk(s->endpoint, "?#@"))
		return err_set(e, ERR_USAGE, "\"endpoint\": expected a URL with a host alone");
	if (strspn(s->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(s->region))
		return err_set(e, ERR_USAGE, "\"region\": expected one such as eu-central-1");
	if (is_prefix(s->s3) && (s->sha256 || s->signature || s->file || s->unpack))
		return err_set(e, ERR_USAGE,
			       "\"sha256\", \"signature\", \"file\" and \"unpack\" are for one "
			       "object, and not for a prefix");
	return 0;
}

/* The URL of the bucket, with a slash at its end; on the heap. */
static char *base_of(const struct fetch_source *s)
{
	const char *bucket = s->s3 + strlen(SCHEME);
	int length = (int)strcspn(bucket, "/");
	owned char *usual = mem_format("https://s3.%s.amazonaws.com", s->region);
	const char *endpoint = s->endpoint ? s->endpoint : usual;
	const char *host = strstr(endpoint, "://") + 3;
	size_t end = strlen(host);

	while (end && host[end - 1] == '/')
		end--;
	if (s->path_style)
		return mem_format("%.*s%.*s/%.*s/", (int)(host - endpoint), endpoint, (int)end,
				  host, length, bucket);
	return mem_format("%.*s%.*s.%.*s/", (int)(host - endpoint), endpoint, length, bucket,
			  (int)end, host);
}

static enum source_fill fill_object(struct fetch *f, const struct s3_place *place, int tree,
				    struct err *e)
{
	owned char *escaped = transfer_escape(key_in(f->source->s3), true);
	owned char *url = mem_format("%s%s", place->base, escaped);
	const struct download_plan plan = {
		.url = url,
		.keys = place->keys,
		.region = place->region,
		.etag = f->known->etag,
		.modified = f->known->modified,
	};

	return parcel_fetch(f, &plan, text_last_part(f->source->s3), tree, e);
}

static enum source_fill fill_prefix(struct fetch *f, struct s3_place *place, int tree,
				    struct err *e)
{
	const char *subpath = f->source->subpath;
	const char *key = strchr(f->source->s3 + strlen(SCHEME), '/') ? key_in(f->source->s3) : "";
	owned char *prefix = mem_format("%s%s%s", key, subpath ? subpath : "", subpath ? "/" : "");

	place->prefix = prefix;
	return s3_prefix_fill(f, place, tree, e);
}

static enum source_fill fill(struct fetch *f, int tree, struct err *e)
{
	struct transfer_keys keys;
	owned char *base = base_of(f->source);
	struct s3_place place = { .base = base, .region = f->source->region };
	enum source_fill status;

	if (s3_keys_load(f->source->key_file, &keys, e) < 0) {
		s3_keys_done(&keys);
		return SOURCE_FILL_FAILED;
	}
	place.keys = keys.id ? &keys : NULL;
	status = is_prefix(f->source->s3) ? fill_prefix(f, &place, tree, e)
					  : fill_object(f, &place, tree, e);
	s3_keys_done(&keys);
	return status < 0 ? (enum source_fill)err_in(e, "%s", f->source->s3) : status;
}

const struct source_kind kind_s3 = {
	.name = "s3",
	.takes = "endpoint region path-style key-file ca-file unpack file sha256 signature "
		 "public-key most-ratio retries",
	.check = check,
	.fill = fill,
};
