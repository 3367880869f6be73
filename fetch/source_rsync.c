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

#define STATISTICS_MOST ((size_t)64 * 1024)
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
	if ((s->ssh_key_file || s->known_hosts_file) && daemon)
		return err_set(e, ERR_USAGE,
			       "\"ssh-key-file\" and \"known-hosts-file\" are for HOST:PATH");
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

/* The directory of the last good tree that holds what this one will hold. */
static void add_older(const struct fetch *f, struct list *words)
{
	owned char *path = cache_tree_path(f->folder);
	const char *into = f->source->into;

	if (!f->known->tree || !path)
		return;
	owned char *below = into ? mem_format("%s/%s", path, into) : mem_copy(path);
	owned char *whole = realpath(below, NULL);
	owned char *word = whole ? mem_format("--link-dest=%s", whole) : NULL;
	if (word)
		list_add(words, word);
}

static void add_words(const struct fetch *f, bool password, struct list *words)
{
	static const char *const first[] = {
		"rsync",        "-rlptz",   "--no-specials",
		"--no-devices", "--stats",  "--no-human-readable",
		"--no-motd",    IO_TIMEOUT, EXACT_TIMES,
	};
	const struct fetch_source *s = f->source;
	const char *subpath = s->subpath ? s->subpath : "";

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		list_add(words, first[i]);
	if (text_starts(s->rsync, SCHEME)) {
		list_add(words, "--contimeout=30");
	} else {
		owned char *ssh = ssh_command(s);

		list_add(words, "-e");
		list_add(words, ssh);
	}
	if (password)
		list_add(words, "--password-file=-");
	add_older(f, words);
	owned char *from = mem_format("%s%s%s%s", s->rsync, text_ends(s->rsync, "/") ? "" : "/",
				      subpath, *subpath ? "/" : "");
	list_add(words, "--");
	list_add(words, from);
	list_add(words, ".");
}

static uint64_t number_behind(const char *text, const char *words)
{
	const char *at = strstr(text, words);

	return at ? strtoull(at + strlen(words), NULL, 10) : 0;
}

static int run(struct fetch *f, int tree, int password, struct err *e)
{
	struct list words = { 0 }, environment = { 0 };
	struct tree_growth growth = { tree, source_limits(f->source) };
	owned_buf out = BUF_INIT(STATISTICS_MOST);
	struct program_end end;

	add_words(f, password >= 0, &words);
	/* Not the passwords and programs of who started us, nor the aliases in their home. */
	program_bare(&environment);
	list_add(&environment, "LC_ALL=C");
	const struct program_plan plan = {
		.argv = (const char *const *)words.items,
		.environment = &environment,
		.directory = tree,
		.in = password < 0 ? 0 : password,
		.deadline = f->deadline,
		.out = &out,
		.check = tree_check_growth,
		.owner = &growth,
	};
	int status = program_run(&plan, &end, e);
	f->requests++;
	f->wire_bytes += number_behind(out.data, "Total bytes sent: ") +
			 number_behind(out.data, "Total bytes received: ");
	list_clear(&words);
	list_clear(&environment);
	return status;
}

static enum source_fill fill(struct fetch *f, int tree, struct err *e)
{
	owned char *shown = setting_url_shown(f->source->rsync);
	owned_fd password = -1;

	f->below_subpath = true;
	f->settle = true;
	if (open_password(f, &password, e) < 0)
		return SOURCE_FILL_FAILED;
	if (run(f, tree, password, e) < 0)
		return (enum source_fill)err_in(e, "%s", shown);
	return SOURCE_FILLED;
}

const struct source_kind kind_rsync = {
	.name = "rsync",
	.takes = "password-file ssh-key-file known-hosts-file",
	.check = check,
	.fill = fill,
};
