/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_rsync: a directory of an rsync daemon, rsync://HOST/MODULE/PATH, or by ssh, HOST:PATH, by
 * the rsync program of the image. What is as it was comes from the last good tree by hard links.
 */
#include "base/buf.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/setting.h"
#include "base/text.h"
#include "base/token.h"
#include "fetch/program.h"
#include "fetch/source.h"
#include "fetch/ssh.h"
#include "fetch/tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATISTICS_MOST ((size_t)4096)
#define SCHEME "rsync://"
#define IO_TIMEOUT "--timeout=60"        /* seconds without a byte */
#define EXACT_TIMES "--modify-window=-1" /* else two changes within a second are one, rsync(1) */

static int check(const struct fetch_source *s, struct err *e)
{
	const char *url = s->rsync;
	bool daemon = text_starts(url, SCHEME);
	const char *host = daemon ? url + strlen(SCHEME) : url;
	size_t length = strcspn(host, daemon ? "/" : ":");
	const char *at = memchr(host, '@', length);

	if (*url == '-' || *host == '-' || memmem(host, length, "@-", 2) || strpbrk(url, "\r\n") ||
	    !length || !host[length] ||
	    (daemon ? !host[length + 1] : strstr(url, "::") || memchr(host, '/', length)))
		return err_set(e, ERR_USAGE,
			       "\"rsync\": expected rsync://HOST/MODULE/PATH or HOST:PATH");
	if (daemon && at && memchr(host, ':', (size_t)(at - host)))
		return err_set(e, ERR_USAGE,
			       "\"rsync\": a password in the URL would be seen in the list of "
			       "processes; \"password-file\" keeps it");
	if (s->password_file && !daemon)
		return err_set(e, ERR_USAGE, "\"password-file\" is for rsync://");
	if ((s->ssh_key_file || s->known_hosts_file || s->ssh_port != SSH_PORT) && daemon)
		return err_set(e, ERR_USAGE,
			       "\"ssh-key-file\", \"known-hosts-file\" and \"ssh-port\" are for "
			       "HOST:PATH");
	return ssh_check(s, e);
}

/* rsync refuses a file that others can read, which a mounted Secret is: it comes by its stdin. */
static int open_password(const struct fetch *f, int *ret_fd, struct err *e)
{
	owned_buf b = BUF_INIT(TOKEN_MOST);

	if (!f->source->password_file)
		return 0;
	if (token_read(f->source->password_file, &b, e) < 0)
		return err_in(e, "password-file");
	return program_secret(b.data, ret_fd, e);
}

/* The directory of the last good tree that holds what this one will hold; NULL: there is none. */
static char *older_path(const struct fetch *f)
{
	owned char *path = cache_tree_path(f->folder);
	const char *into = f->source->into;

	if (!f->known->tree || !path)
		return NULL;
	owned char *below = into ? mem_format("%s/%s", path, into) : mem_copy(path);
	return realpath(below, NULL);
}

/* What it is asked to do with the last good tree: "--link-dest=", or to tell what would change. */
struct errand {
	const char *older; /* NULL: there is none */
	bool asks;
};

static void add_words(const struct fetch *f, const struct errand *what, bool password,
		      struct list *words)
{
	static const char *const first[] = {
		"rsync",        "-rlptz",   "--no-specials",
		"--no-devices", "--stats",  "--no-human-readable",
		"--no-motd",    IO_TIMEOUT, EXACT_TIMES,
	};
	/* Times of directories and links are no change, see tree_settle(). */
	static const char *const asking[] = { "-nOJ", "--out-format=%i", "--delete" };
	const struct fetch_source *s = f->source;
	const char *subpath = s->subpath ? s->subpath : "";

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		list_add(words, first[i]);
	for (size_t i = 0; what->asks && i < sizeof(asking) / sizeof(asking[0]); i++)
		list_add(words, asking[i]);
	if (text_starts(s->rsync, SCHEME)) {
		list_add(words, "--contimeout=30");
	} else {
		owned char *ssh = ssh_command(s);

		list_add(words, "-e");
		list_add(words, ssh);
	}
	if (password)
		list_add(words, "--password-file=-");
	owned char *link =
		!what->asks && what->older ? mem_format("--link-dest=%s", what->older) : NULL;
	if (link)
		list_add(words, link);
	owned char *from = mem_format("%s%s%s%s", s->rsync, text_ends(s->rsync, "/") ? "" : "/",
				      subpath, *subpath ? "/" : "");
	list_add(words, "--");
	list_add(words, from);
	list_add(words, what->asks ? what->older : ".");
}

static uint64_t number_behind(const char *text, const char *words)
{
	const char *at = strstr(text, words);

	return at ? strtoull(at + strlen(words), NULL, 10) : 0;
}

/*
 * Of what it says the end, which are the statistics. They begin with an empty line, and when that
 * is the first one nothing would change: a line for each change comes before.
 */
struct said {
	bool any, nothing;
	size_t length;
	char end[STATISTICS_MOST + 1];
};

/* How it is looked after: the growth comes first, for tree_check_growth(). */
struct run {
	struct tree_growth growth;
	struct said said;
};

static int take(void *owner, const char *bytes, size_t count, struct err *e)
{
	struct said *s = &((struct run *)owner)->said;

	(void)e;
	s->nothing |= !s->any && *bytes == '\n';
	s->any = true;
	if (count > STATISTICS_MOST) {
		bytes += count - STATISTICS_MOST;
		count = STATISTICS_MOST;
	}
	if (s->length + count > STATISTICS_MOST) {
		size_t over = s->length + count - STATISTICS_MOST;

		s->length -= over;
		memmove(s->end, s->end + over, s->length);
	}
	memcpy(s->end + s->length, bytes, count);
	s->length += count;
	s->end[s->length] = '\0';
	return 0;
}

static int run(struct fetch *f, const struct errand *what, int tree, bool *ret_nothing,
	       struct err *e)
{
	struct list words = { 0 }, environment = { 0 };
	struct run r = { .growth = { tree, source_limits(f->source) } };
	owned_fd password = -1;
	struct program_end end;

	if (open_password(f, &password, e) < 0)
		return -1;
	add_words(f, what, password >= 0, &words);
	/* Not the passwords and programs of who started us, nor the aliases in their home. */
	program_bare(&environment);
	list_add(&environment, "LC_ALL=C");
	const struct program_plan plan = {
		.argv = (const char *const *)words.items,
		.environment = &environment,
		.directory = tree,
		.in = password < 0 ? 0 : password,
		.deadline = f->deadline,
		.take = take,
		.check = tree_check_growth,
		.owner = &r,
	};
	int status = program_run(&plan, &end, e);
	f->requests++;
	f->wire_bytes += number_behind(r.said.end, "Total bytes sent: ") +
			 number_behind(r.said.end, "Total bytes received: ");
	*ret_nothing = r.said.nothing;
	list_clear(&words);
	list_clear(&environment);
	return status;
}

static enum source_fill fill(struct fetch *f, int tree, struct err *e)
{
	owned char *shown = setting_url_shown(f->source->rsync);
	owned char *older = older_path(f);
	bool nothing = false;

	f->below_subpath = true;
	f->settle = true;
	if (older && run(f, &(struct errand){ older, true }, tree, &nothing, e) < 0)
		return (enum source_fill)err_in(e, "%s", shown);
	if (nothing)
		return SOURCE_AS_BEFORE;
	if (run(f, &(struct errand){ older, false }, tree, &nothing, e) < 0)
		return (enum source_fill)err_in(e, "%s", shown);
	return SOURCE_FILLED;
}

const struct source_kind kind_rsync = {
	.name = "rsync",
	.takes = "password-file ssh-key-file known-hosts-file ssh-port",
	.check = check,
	.fill = fill,
};
