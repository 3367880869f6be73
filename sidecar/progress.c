/* SPDX-License-Identifier: Apache-2.0 */
/* progress: see progress.h. */
#include "sidecar/progress.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_AFTER_MS 300
#define BAR_EVERY_MS 100
#define LINE_EVERY_MS 5000
#define COLUMNS_UNKNOWN 80
#define COLUMNS_FOR_BAR 40
#define CELLS_MOST 16
#define CELLS_LEAST 6
/* Nobody waits for it: the work has not really begun. */
#define LEFT_MOST_MS (100.0 * 3600 * 1000)

#define PIECE_ROOM 64

/* What there is to say; empty where nothing is known. */
struct pieces {
	char percent[PIECE_ROOM], files[PIECE_ROOM], bytes[PIECE_ROOM], rate[PIECE_ROOM];
	char left[PIECE_ROOM];
};

/* What percent and time are computed of: bytes, or files when there are no bytes. */
struct share {
	uint64_t done, total;
};

static struct share share_of(const struct sync_progress *now)
{
	if (now->bytes_total)
		return (struct share){ now->bytes, now->bytes_total };
	return (struct share){ now->files, now->files_total };
}

/* 100 only when all is done. */
static unsigned percent_of(const struct sync_progress *now)
{
	struct share s = share_of(now);
	double percent;

	if (!s.total)
		return 0;
	if (s.done >= s.total)
		return now->files >= now->files_total ? 100 : 99;
	percent = 100 * ((double)s.done / (double)s.total);
	return percent < 99 ? (unsigned)percent : 99;
}

/* In whole seconds, rounded up; 0 when it is not known. */
static int64_t seconds_left(const struct sync_progress *now, int64_t ms)
{
	struct share s = share_of(now);
	double left;
	int64_t seconds;

	if (!s.done || s.done >= s.total || ms <= 0)
		return 0;
	left = (double)ms * ((double)(s.total - s.done) / (double)s.done);
	if (left >= LEFT_MOST_MS)
		return 0;
	seconds = (int64_t)(left / 1000);
	return left > (double)seconds * 1000 ? seconds + 1 : seconds;
}

/* "11,600" */
static const char *grouped(uint64_t number, char text[PIECE_ROOM])
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number), to = 0;

	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	text[to] = '\0';
	return text;
}

/* "1.2 of 2.1 GB", or "900.0 kB of 2.1 GB" */
static void say_bytes(const struct sync_progress *now, char text[PIECE_ROOM])
{
	char done[TEXT_SIZE_ROOM], total[TEXT_SIZE_ROOM];
	char *unit;

	(void)text_size(now->bytes, done);
	if (!now->bytes_total) {
		(void)snprintf(text, PIECE_ROOM, "%s", now->bytes ? done : "");
		return;
	}
	(void)text_size(now->bytes_total, total);
	unit = strchr(done, ' ');
	if (unit && text_ends(total, unit))
		*unit = '\0';
	(void)snprintf(text, PIECE_ROOM, "%s of %s", done, total);
}

/* "3.1 MB/s", "310 MB/s" */
static void say_rate(uint64_t bytes, int64_t ms, char text[PIECE_ROOM])
{
	double rate = ms > 0 ? (double)bytes * 1000 / (double)ms : 0;
	char size[TEXT_SIZE_ROOM];
	char *point;

	text[0] = '\0';
	if (rate < 1 || rate > 1e18)
		return;
	(void)text_size((unsigned long long)rate, size);
	point = strchr(size, '.');
	if (point && point - size >= 3)
		memmove(point, point + 2, strlen(point + 2) + 1);
	(void)snprintf(text, PIECE_ROOM, "%s/s", size);
}

static void say_left(int64_t seconds, bool bar, char text[PIECE_ROOM])
{
	char span[CLOCK_TEXT_SIZE];

	text[0] = '\0';
	if (!seconds)
		return;
	if (bar && seconds < 60)
		(void)snprintf(text, PIECE_ROOM, "%" PRId64 " s left", seconds);
	else
		(void)snprintf(text, PIECE_ROOM, "%s left", clock_span(seconds * 1000, span));
}

static void say_files(const struct sync_progress *now, bool bar, char text[PIECE_ROOM])
{
	char done[PIECE_ROOM], total[PIECE_ROOM];

	if (!now->files_total)
		(void)snprintf(text, PIECE_ROOM, "%" PRIu64 " files", now->files);
	else if (!bar)
		(void)snprintf(text, PIECE_ROOM, "%" PRIu64 " of %" PRIu64 " files", now->files,
			       now->files_total);
	else
		(void)snprintf(text, PIECE_ROOM, "%.26s/%.26s files", grouped(now->files, done),
			       grouped(now->files_total, total));
}

static void say_all(const struct sync_progress *now, int64_t ms, bool bar, struct pieces *p)
{
	(void)snprintf(p->percent, PIECE_ROOM, "%u %%", percent_of(now));
	say_files(now, bar, p->files);
	say_bytes(now, p->bytes);
	say_rate(now->bytes, ms, p->rate);
	say_left(seconds_left(now, ms), bar, p->left);
}

static void add(char text[PROGRESS_ROOM], const char *between, const char *piece)
{
	size_t length = strlen(text);

	if (*piece)
		(void)snprintf(text + length, PROGRESS_ROOM - length, "%s%s", between, piece);
}

static void add_all(char text[PROGRESS_ROOM], const char *between, const struct pieces *p)
{
	add(text, between, p->files);
	add(text, between, p->bytes);
	add(text, between, p->rate);
	add(text, between, p->left);
}

static void add_cells(char text[PROGRESS_ROOM], size_t cells, unsigned percent)
{
	char bar[CELLS_MOST + 3] = "[";

	memset(bar + 1, '.', cells);
	memset(bar + 1, '#', cells * percent / 100);
	bar[cells + 1] = ']';
	add(text, "  ", bar);
}

void progress_bar(const char *what, const struct sync_progress *now, int64_t ms, size_t columns,
		  char text[PROGRESS_ROOM])
{
	struct pieces p;
	char *const least_wanted[] = { p.rate, p.files, p.bytes, p.left };
	/* In the last column a terminal may begin the next line. */
	size_t width = columns ? columns - 1 : 0, used = 0;
	char rest[PROGRESS_ROOM];

	say_all(now, ms, true, &p);
	text[0] = rest[0] = '\0';
	if (columns < COLUMNS_FOR_BAR) {
		(void)snprintf(text, PROGRESS_ROOM, "%s", p.percent);
		text[width < PROGRESS_ROOM ? width : PROGRESS_ROOM - 1] = '\0';
		return;
	}
	for (size_t i = 0; i <= sizeof(least_wanted) / sizeof(least_wanted[0]); i++) {
		if (i)
			least_wanted[i - 1][0] = '\0';
		rest[0] = '\0';
		add(rest, "  ", p.percent);
		add_all(rest, "  ", &p);
		used = strlen(what) + strlen("  []") + strlen(rest);
		if (used + CELLS_LEAST <= width)
			break;
	}
	add(text, "", what);
	if (used + CELLS_LEAST <= width)
		add_cells(text, width - used < CELLS_MOST ? width - used : CELLS_MOST,
			  percent_of(now));
	add(text, "", rest);
	text[width < PROGRESS_ROOM ? width : PROGRESS_ROOM - 1] = '\0';
}

void progress_line(const char *what, const struct sync_progress *now, int64_t ms,
		   char text[PROGRESS_ROOM])
{
	struct pieces p;

	say_all(now, ms, false, &p);
	(void)snprintf(text, PROGRESS_ROOM, "%.100s: %s", what, p.percent);
	add_all(text, ", ", &p);
}

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return COLUMNS_UNKNOWN;
	return size.ws_col;
}

void progress_init(struct progress *p, const char *what)
{
	int64_t now = clock_ms();

	*p = (struct progress){
		.what = what,
		.began = now,
		.shown = now,
		.terminal = log_on_terminal(),
	};
}

void progress_show(struct progress *p, const struct sync_progress *now)
{
	int64_t at = clock_ms();
	char text[PROGRESS_ROOM];

	if (at - p->shown < (p->terminal ? BAR_EVERY_MS : LINE_EVERY_MS))
		return;
	if (!p->terminal) {
		progress_line(p->what, now, at - p->began, text);
		log_info("%s", text);
	} else if (at - p->began < BAR_AFTER_MS) {
		return;
	} else {
		progress_bar(p->what, now, at - p->began, terminal_columns(), text);
		log_bar(text);
		p->drawn = true;
	}
	p->shown = at;
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		log_bar("");
	p->drawn = false;
}
