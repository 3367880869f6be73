/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_list: what an S3 server answers to ListObjectsV2.
 *
 * It reads exactly this XML: elements, texts and the five entities of XML and those by number. A
 * document type, a CDATA section or a depth beyond S3_LIST_DEPTH_MOST is refused.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define S3_LIST_MOST ((size_t)16 << 20) /* bytes of one answer: 1000 objects */
#define S3_LIST_DEPTH_MOST 8
#define S3_KEY_MOST 1024 /* bytes of a key, as S3 has it */

struct s3_object {
	const char *key;
	const char *etag; /* with its quotes */
	int64_t size;
};

struct s3_page {
	bool more;
	char *token; /* for the next page; on the heap or NULL */
};

/*
 * Calls take for each object in order; -1 when it has. The text may be changed. *ret->token is to
 * be freed whatever happened.
 */
int s3_list_read(char *text, int (*take)(void *owner, const struct s3_object *o, struct err *e),
		 void *owner, struct s3_page *ret, struct err *e);
