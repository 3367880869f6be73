/* SPDX-License-Identifier: Apache-2.0 */
/* packed: the only file that sees zlib and zstd. */
#include "fetch/packed.h"

#include "base/mem.h"
#include "fetch/growing.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define IN_ROOM ((size_t)64 * 1024)
#define OUT_ROOM ((size_t)128 * 1024)
#define TAR_MAGIC_AT 257
#define GZIP_ALONE (15 + 16) /* its largest window, and its header and trailer */

struct packed {
	int fd;
	struct growing *growing; /* NULL: all is there */
	int64_t at;              /* in the file */
	/* How many there are in *ret, which is out where it is not set; 0 at the end, -1 with e. */
	ssize_t (*next)(struct packed *p, const void **ret, struct err *e);
	z_stream gzip;
	ZSTD_DStream *zstd;
	ZSTD_inBuffer input;
	bool begun; /* a member or frame is not yet over */
	unsigned char magic[TAR_MAGIC_AT + 5];
	uint64_t total;
	sem_t free; /* rooms */
	size_t pieces, released;
	unsigned char *out; /* the room of the piece that is read */
	unsigned char in[IN_ROOM], rooms[PACKED_PIECES][OUT_ROOM];
};

/*
 * Up to count bytes, fewer where there are fewer by now: in room or where they are; 0 at the end,
 * -1 with e.
 */
static ssize_t take(struct packed *p, void *room, size_t count, const void **ret, struct err *e)
{
	struct growing *g = p->growing;
	ssize_t got;

	*ret = room;
	if (g) {
		growing_take(g, p->at);
		if (!growing_wait(g, p->at))
			return 0;
		const void *there = growing_at(g, p->at, &count);

		if (there) {
			*ret = there;
			p->at += (int64_t)count;
			return (ssize_t)count;
		}
	}
	do
		got = pread(p->fd, room, count, p->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "read");
	p->at += got;
	return got;
}

static ssize_t next_plain(struct packed *p, const void **ret, struct err *e)
{
	return take(p, p->out, OUT_ROOM, ret, e);
}

static const unsigned char *input_of(const struct packed *p)
{
	return (const unsigned char *)p->input.src + p->input.pos;
}

/* Whether there is input; -1 with e. */
static int fill(struct packed *p, struct err *e)
{
	if (p->input.pos < p->input.size)
		return 1;
	ssize_t got = take(p, p->in, IN_ROOM, &p->input.src, e);
	if (got < 0)
		return -1;
	p->input.pos = 0;
	p->input.size = (size_t)got;
	return got > 0;
}

static int cut(struct err *e)
{
	return err_set(e, ERR_REMOTE, "it is cut: its end is missing");
}

/* Zeros behind the end are what tapes and block devices leave. */
static int check_gzip_member(struct packed *p, struct err *e)
{
	int more;

	if (p->begun)
		return 1;
	while ((more = fill(p, e)) > 0 && p->total && !*input_of(p))
		p->input.pos++;
	if (more > 0 && *input_of(p) != 0x1f)
		return err_set(e, ERR_REMOTE, "something that is not gzip follows its end");
	if (more > 0)
		(void)inflateReset(&p->gzip);
	return more;
}

static ssize_t next_gzip(struct packed *p, const void **ret, struct err *e)
{
	(void)ret;
	int more = check_gzip_member(p, e), status = Z_OK;

	if (more <= 0)
		return more;
	p->begun = true;
	p->gzip.next_out = p->out;
	p->gzip.avail_out = OUT_ROOM;
	while (p->gzip.avail_out && status == Z_OK) {
		more = fill(p, e);
		if (more <= 0)
			return more < 0 ? -1 : cut(e);
		p->gzip.next_in = input_of(p);
		p->gzip.avail_in = (unsigned)(p->input.size - p->input.pos);
		status = inflate(&p->gzip, Z_NO_FLUSH);
		p->input.pos = p->input.size - p->gzip.avail_in;
	}
	if (status == Z_STREAM_END)
		p->begun = false;
	else if (status != Z_OK)
		return err_set(e, ERR_REMOTE, "it is damaged: gzip: %s",
			       p->gzip.msg ? p->gzip.msg : "unreadable");
	return (ssize_t)(OUT_ROOM - p->gzip.avail_out);
}

static int zstd_failed(size_t status, struct err *e)
{
	if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(e, ERR_REMOTE,
			       "unpacking would take more than %d MiB of memory; pack it without "
			       "--ultra and --long",
			       1 << (PACKED_WINDOW_LOG - 20));
	return err_set(e, ERR_REMOTE, "it is damaged: zstd: %s", ZSTD_getErrorName(status));
}

static ssize_t next_zstd(struct packed *p, const void **ret, struct err *e)
{
	(void)ret;
	ZSTD_outBuffer output = { p->out, OUT_ROOM, 0 };

	while (output.pos < output.size) {
		size_t before = output.pos;
		int more = fill(p, e);

		if (more < 0)
			return -1;
		if (!more && !p->begun)
			break;
		size_t left = ZSTD_decompressStream(p->zstd, &output, &p->input);
		if (ZSTD_isError(left))
			return zstd_failed(left, e);
		p->begun = left != 0;
		if (!more && p->begun && output.pos == before)
			return cut(e);
	}
	return (ssize_t)output.pos;
}

bool packed_is(const struct packed *p)
{
	return p->next != next_plain;
}

bool packed_begins_as_zip(const struct packed *p)
{
	return !memcmp(p->magic, "PK\3\4", 4);
}

/* As the first entry of a tar does since POSIX has it. */
static bool begins_as_tar(const struct packed *p)
{
	return !memcmp(p->magic + TAR_MAGIC_AT, "ustar", 5);
}

bool packed_can_seek(const struct packed *p)
{
	return !packed_is(p) && !begins_as_tar(p);
}

static int begin_gzip(struct packed *p, struct err *e)
{
	p->next = next_gzip;
	if (inflateInit2(&p->gzip, GZIP_ALONE) != Z_OK)
		return err_set(e, ERR_SYSTEM, "gzip cannot start: out of memory");
	return 0;
}

static int begin_zstd(struct packed *p, struct err *e)
{
	p->next = next_zstd;
	p->zstd = ZSTD_createDStream();
	if (!p->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(p->zstd, ZSTD_d_windowLogMax, PACKED_WINDOW_LOG)))
		return err_set(e, ERR_SYSTEM, "zstd cannot start: out of memory");
	return 0;
}

/* By its first bytes; a zstd frame may also be one to skip, RFC 8878 3.1.2. */
static int begin(struct packed *p, struct err *e)
{
	const unsigned char *magic = p->magic;
	const void *at;
	int status = 0;

	if (p->growing)
		(void)growing_wait(p->growing, sizeof(p->magic));
	if (take(p, p->magic, sizeof(p->magic), &at, e) < 0)
		return -1;
	p->at = 0;
	p->next = next_plain;
	if (magic[0] == 0x1f && magic[1] == 0x8b)
		status = begin_gzip(p, e);
	else if (!memcmp(magic, "\x28\xb5\x2f\xfd", 4) ||
		 (!memcmp(magic + 1, "\x2a\x4d\x18", 3) && magic[0] >> 4 == 5))
		status = begin_zstd(p, e);
	if (p->growing && !packed_can_seek(p))
		growing_straight(p->growing);
	return status;
}

struct packed *packed_open(int fd, struct growing *growing, struct err *e)
{
	struct packed *p = mem_alloc(sizeof(*p));

	p->fd = fd;
	p->growing = growing;
	p->input.src = p->in;
	p->out = p->rooms[0];
	(void)sem_init(&p->free, 0, PACKED_PIECES);
	if (begin(p, e) == 0)
		return p;
	packed_free(p);
	return NULL;
}

void packed_free(struct packed *p)
{
	if (!p)
		return;
	if (p->next == next_gzip)
		(void)inflateEnd(&p->gzip);
	(void)ZSTD_freeDStream(p->zstd);
	(void)sem_destroy(&p->free);
	free(p);
}

/* Of a piece that nobody needs any more. */
static void find_room(struct packed *p)
{
	while (sem_wait(&p->free) < 0)
		continue;
	p->out = p->rooms[p->pieces++ % PACKED_PIECES];
}

/* Several at a time: a wake-up for each would cost more than waiting a little. */
void packed_release(struct packed *p)
{
	if (++p->released % (PACKED_PIECES / 2))
		return;
	for (size_t i = 0; i < PACKED_PIECES / 2; i++)
		(void)sem_post(&p->free);
}

ssize_t packed_read(struct packed *p, const void **ret, struct err *e)
{
	ssize_t got;

	if (packed_is(p))
		find_room(p);
	/* An empty member in the middle is not the end. */
	do {
		*ret = p->out;
		got = p->next(p, ret, e);
	} while (got == 0 && packed_is(p) && (p->begun || fill(p, e) > 0));
	if (got > 0)
		p->total += (uint64_t)got;
	return got;
}

int64_t packed_seek(struct packed *p, int64_t offset, int whence)
{
	int64_t from = whence == SEEK_CUR ? p->at : 0;
	struct stat st;

	if (p->growing && whence == SEEK_END)
		(void)growing_wait(p->growing, INT64_MAX);
	if (whence == SEEK_END && fstat(p->fd, &st) < 0)
		return -1;
	if (whence == SEEK_END)
		from = st.st_size;
	if (from + offset < 0 || (offset > 0 && from > INT64_MAX - offset))
		return -1;
	return p->at = from + offset;
}

uint64_t packed_total(const struct packed *p)
{
	return p->total;
}
