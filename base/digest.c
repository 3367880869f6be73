/* SPDX-License-Identifier: Apache-2.0 */
/* digest: with digest_avx2.c the only file that sees xxHash. Inlined: only what is used gets in. */
#include "base/digest.h"

#include "base/digest_avx2.h"
#include "base/hex.h"
#include "base/mem.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct digest_stream {
	XXH3_state_t *state;
};

struct digest_stream *digest_new(void)
{
	struct digest_stream *s = mem_alloc(sizeof(*s));

	/* Its vectors need 64-byte alignment, which calloc does not give. */
	s->state = aligned_alloc(64, sizeof(*s->state));
	if (!s->state)
		abort();
	digest_reset(s);
	return s;
}

void digest_free(struct digest_stream *s)
{
	if (!s)
		return;
	free(s->state);
	free(s);
}

void digest_reset(struct digest_stream *s)
{
	(void)XXH3_128bits_reset(s->state);
}

void digest_add(struct digest_stream *s, const void *bytes, size_t count)
{
	if (digest_avx2_is_there())
		digest_avx2_add(s->state, bytes, count);
	else
		(void)XXH3_128bits_update(s->state, bytes, count);
}

/* "cold": made small, since it is called once for a file and looks at its last bytes alone. */
__attribute__((cold)) struct digest digest_result(const struct digest_stream *s)
{
	XXH128_canonical_t canonical;
	struct digest d;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(s->state));
	memcpy(d.bytes, canonical.digest, sizeof(d.bytes));
	return d;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

const char *digest_text(const struct digest *d, char text[DIGEST_TEXT_SIZE])
{
	return hex_text(d->bytes, sizeof(d->bytes), text);
}

bool digest_parse(const char *text, struct digest *ret)
{
	return hex_parse(text, ret->bytes, sizeof(ret->bytes));
}
