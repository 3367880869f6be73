/* SPDX-License-Identifier: Apache-2.0 */
/* s3_list: see s3_list.h. */
#include "fetch/s3_list.h"

#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENT_MOST 64 /* letters of a name */
#define SIZE_MOST ((int64_t)1 << 50)

struct reader {
	char *at;
	char names[S3_LIST_DEPTH_MOST][ELEMENT_MOST];
	size_t depth;
	char *text; /* of the element that has just begun, up to the next tag */

	char *key, *etag, *size; /* of this object, within the answer */
	bool in_url;             /* keys are encoded as in a URL */
	int (*take)(void *owner, const struct s3_object *o, struct err *e);
	void *owner;
	struct s3_page *page;
};

static int bad(struct err *e, const char *why)
{
	return err_set(e, ERR_REMOTE, "the list of objects is not as S3 has it: %s", why);
}

static char *put_utf8(char *to, unsigned long value)
{
	if (value < 0x80) {
		*to++ = (char)value;
	} else if (value < 0x800) {
		*to++ = (char)(0xc0 | value >> 6);
		*to++ = (char)(0x80 | (value & 0x3f));
	} else if (value < 0x10000) {
		*to++ = (char)(0xe0 | value >> 12);
		*to++ = (char)(0x80 | (value >> 6 & 0x3f));
		*to++ = (char)(0x80 | (value & 0x3f));
	} else {
		*to++ = (char)(0xf0 | value >> 18);
		*to++ = (char)(0x80 | (value >> 12 & 0x3f));
		*to++ = (char)(0x80 | (value >> 6 & 0x3f));
		*to++ = (char)(0x80 | (value & 0x3f));
	}
	return to;
}

/* What is between & and ; is longer than what it stands for: it is put where it was. */
static char *put_entity(char *to, const char *name)
{
	static const struct {
		const char *name;
		char letter;
	} letters[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
	};
	bool hex = name[0] == '#' && name[1] == 'x';
	const char *digits = name + (hex ? 2 : 1);

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (text_is(name, letters[i].name)) {
			*to = letters[i].letter;
			return to + 1;
		}
	}
	if (name[0] != '#' || !*digits || strlen(digits) > 7 ||
	    strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits))
		return NULL;
	unsigned long value = strtoul(digits, NULL, hex ? 16 : 10);
	if (!value || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return NULL;
	return put_utf8(to, value);
}

static int decode_entities(char *text, struct err *e)
{
	char *to = text;

	for (char *from = text; *from;) {
		if (*from != '&') {
			*to++ = *from++;
			continue;
		}
		char *end = strchr(from, ';');
		if (!end || end - from > 10)
			return bad(e, "an entity without an end");
		*end = '\0';
		to = put_entity(to, from + 1);
		if (!to)
			return bad(e, "an unknown entity");
		from = end + 1;
	}
	*to = '\0';
	return 0;
}

static int hex_value(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int decode_url(char *text, struct err *e)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int high = *from == '%' ? hex_value(from[1]) : 0;
		int low = *from == '%' && high >= 0 ? hex_value(from[2]) : 0;

		if (high < 0 || low < 0 || (*from == '%' && !high && !low))
			return bad(e, "a key that is not encoded as in a URL");
		if (*from == '%') {
			*to++ = (char)(high << 4 | low);
			from += 2;
		} else {
			*to++ = *from == '+' ? ' ' : *from;
		}
	}
	*to = '\0';
	return 0;
}

static bool is_at(const struct reader *r, size_t depth, const char *name)
{
	return r->depth == depth && text_is(r->names[depth - 1], name);
}

static int give_object(struct reader *r, struct err *e)
{
	struct s3_object o = { .key = r->key, .etag = r->etag };
	struct err ignored;

	if (!r->key || !*r->key || !r->etag || !r->size)
		return bad(e, "an object without a key, an ETag or a size");
	if (r->in_url && decode_url(r->key, e) < 0)
		return -1;
	if (strlen(r->key) > S3_KEY_MOST || strlen(r->etag) > S3_KEY_MOST)
		return bad(e, "a key that is too long");
	if (parse_count(r->size, 0, SIZE_MOST, &o.size, &ignored) < 0)
		return bad(e, "a size that is none");
	r->key = r->etag = r->size = NULL;
	return r->take(r->owner, &o, e);
}

/* The element at the end of names, with its text. */
static int take_text(struct reader *r, struct err *e)
{
	char *text = r->text;

	if (!text)
		return 0;
	if (decode_entities(text, e) < 0)
		return -1;
	if (is_at(r, 2, "IsTruncated")) {
		r->page->more = text_is(text, "true");
	} else if (is_at(r, 2, "EncodingType")) {
		r->in_url = text_is(text, "url");
	} else if (is_at(r, 2, "NextContinuationToken")) {
		free(r->page->token);
		r->page->token = mem_copy(text);
	} else if (r->depth == 3 && text_is(r->names[1], "Contents")) {
		if (is_at(r, 3, "Key"))
			r->key = text;
		else if (is_at(r, 3, "ETag"))
			r->etag = text;
		else if (is_at(r, 3, "Size"))
			r->size = text;
	}
	return 0;
}

static int begin_element(struct reader *r, char *tag, struct err *e)
{
	size_t length = strcspn(tag, " \t\r\n/");

	if (r->depth == S3_LIST_DEPTH_MOST)
		return bad(e, "too deep");
	if (!length || length >= ELEMENT_MOST)
		return bad(e, "an element without a name that fits");
	if (!r->depth &&
	    (length != strlen("ListBucketResult") || strncmp(tag, "ListBucketResult", length) != 0))
		return bad(e, "it is no list");
	memcpy(r->names[r->depth], tag, length);
	r->names[r->depth][length] = '\0';
	r->depth++;
	r->text = r->at;
	return 0;
}

static int end_element(struct reader *r, const char *name, struct err *e)
{
	if (!r->depth || !text_is(name, r->names[r->depth - 1]))
		return bad(e, "an end without its beginning");
	if (take_text(r, e) < 0)
		return -1;
	r->text = NULL;
	if (is_at(r, 2, "Contents") && give_object(r, e) < 0)
		return -1;
	r->depth--;
	return 0;
}

/* tag is what was between < and >. */
static int take_tag(struct reader *r, char *tag, struct err *e)
{
	size_t length = strlen(tag);

	if (tag[0] == '!')
		return bad(e, "a declaration");
	if (tag[0] == '?')
		return 0;
	if (tag[0] == '/') {
		tag[1 + strcspn(tag + 1, " \t\r\n")] = '\0';
		return end_element(r, tag + 1, e);
	}
	if (!length || tag[length - 1] != '/')
		return begin_element(r, tag, e);
	tag[length - 1] = '\0';
	if (begin_element(r, tag, e) < 0)
		return -1;
	/* Its text is empty, and not what follows. */
	tag[length - 1] = '\0';
	r->text = tag + length - 1;
	owned char *name = mem_copy(r->names[r->depth - 1]);
	return end_element(r, name, e);
}

static int read_all(struct reader *r, struct err *e)
{
	bool began = false;

	for (char *open; (open = strchr(r->at, '<'));) {
		char *close = strchr(open, '>');

		if (!close)
			return bad(e, "it is cut");
		*open = *close = '\0';
		r->at = close + 1;
		if (began && !r->depth)
			return bad(e, "something behind its end");
		if (take_tag(r, open + 1, e) < 0)
			return -1;
		began |= r->depth > 0;
	}
	if (!began || r->depth)
		return bad(e, "it is cut");
	if (r->page->more && (!r->page->token || !*r->page->token))
		return bad(e, "there is more, and it does not say where");
	return 0;
}

int s3_list_read(char *text, int (*take)(void *owner, const struct s3_object *o, struct err *e),
		 void *owner, struct s3_page *ret, struct err *e)
{
	struct reader r = { .at = text, .take = take, .owner = owner, .page = ret };

	*ret = (struct s3_page){ 0 };
	return read_all(&r, e);
}
