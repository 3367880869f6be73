/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reseal: changes bytes of a seal, and makes its hash right again: what only somebody who means it
 * would do. A number is a byte, all else a text. See sync/manifest.h for what lies where.
 *
 *   reseal FILE OFFSET BYTES...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-suspicious-include): the program's own hash, in a program of one file */
#include "base/digest.c"
#include "base/digest_avx2.c"
#include "base/hex.c"
#include "base/mem.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define MOST 65536
#define CHECK 32 /* where the hash of all but itself is */

static unsigned char bytes[MOST];

static size_t put(size_t at, unsigned char byte)
{
	if (at >= MOST)
		exit(2);
	bytes[at] = byte;
	return at + 1;
}

static size_t change(size_t at, const char *word)
{
	char *end;
	unsigned long number = strtoul(word, &end, 0);

	if (*word && !*end)
		return put(at, (unsigned char)number);
	while (*word)
		at = put(at, (unsigned char)*word++);
	return at;
}

static void make_right(size_t length)
{
	struct digest_stream *s = digest_new();

	digest_add(s, bytes, CHECK);
	digest_add(s, bytes + CHECK + DIGEST_BYTES, length - CHECK - DIGEST_BYTES);
	const struct digest d = digest_result(s);
	memcpy(bytes + CHECK, &d, sizeof(d));
	digest_free(s);
}

int main(int count, char **words)
{
	if (count < 4)
		return 2;

	int fd = open(words[1], O_RDWR | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, bytes, MOST);
	size_t at = strtoul(words[2], NULL, 0);

	if (length < CHECK + DIGEST_BYTES || length == MOST)
		return 1;
	for (int i = 3; i < count; i++)
		at = change(at, words[i]);
	make_right((size_t)length);
	return pwrite(fd, bytes, (size_t)length, 0) == length ? 0 : 1;
}
