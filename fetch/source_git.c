/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_git: a branch, a tag or a commit, by the git program of the image.
 *
 * Nothing but what is said here configures it: no file of a user or the system, no hooks, no
 * prompts, no protocol but that of the URL, whoever sends us elsewhere. A token comes to it by a
 * file in memory. Commits lie in a bare repository of the work directory, shallow, and are written
 * out to the tree.
 */
#include "base/buf.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/setting.h"
#include "base/text.h"
#include "base/token.h"
#include "fetch/base64.h"
#include "fetch/program.h"
#include "fetch/source.h"
#include "fetch/ssh.h"
#include "fetch/tree_walk.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MOST ((size_t)1 << 16)
#define ID_DIGITS_LEAST 40 /* of SHA-1; 64 of SHA-256 */
#define TOKEN_USER "x-access-token"
#define REPOSITORY "repository"
#define KEPT "refs/gs-fetch/kept" /* the commit that was fetched last */
#define SLACK ((uint64_t)1 << 20) /* bytes that are not worth a tidying */
#define WORDS_MOST 24
#define HEAD_MOST 256 /* bytes in front of a name */

struct git {
	struct fetch *fetch;
	struct list environment;
	int work; /* the work directory */
	int tree_fd;
	int secret; /* -1: none */
	char *home, *repository, *index, *tree;
};

static bool is_id(const char *ref)
{
	size_t length = strlen(ref);

	return (length == ID_DIGITS_LEAST || length == 64) &&
	       strspn(ref, "0123456789abcdef") == length;
}

/* By http, forges take a token for a user too. */
static bool has_secret(const char *scheme, const char *protocol)
{
	const char *host = scheme ? scheme + strlen("://") : "";
	const char *at = memchr(host, '@', strcspn(host, "/"));

	return at &&
	       (text_has_word("http https", protocol) || memchr(host, ':', (size_t)(at - host)));
}

static int check(const struct fetch_source *s, struct err *e)
{
	const char *url = s->git, *scheme = strstr(url, "://");
	owned char *protocol = scheme ? mem_copy_part(url, (size_t)(scheme - url)) : NULL;
	/* "user@host:path", which is ssh. */
	bool is_short = !scheme && strchr(url, ':') && *url != '/' && !strstr(url, "::");

	if (has_secret(scheme, protocol))
		return err_set(e, ERR_USAGE,
			       "\"git\": a password in the URL would be seen in the list of "
			       "processes; \"token-file\" keeps it");
	if (*url == '-' || strpbrk(url, " \t\r\n") ||
	    (scheme ? !text_has_word("http https ssh git", protocol) : !is_short))
		return err_set(e, ERR_USAGE,
			       "\"git\": expected a URL by https, http, ssh or git, or "
			       "USER@HOST:PATH");
	if (s->ref &&
	    (*s->ref == '-' || strpbrk(s->ref, " \t\r\n:*?[\\^~") || strstr(s->ref, "..")))
		return err_set(e, ERR_USAGE, "\"ref\": expected a branch, a tag or a whole commit");
	if (s->token_file && (!scheme || !text_has_word("http https", protocol)))
		return err_set(e, ERR_USAGE, "\"token-file\" is for http and https");
	return ssh_check(s, e);
}

static void add_variable(struct git *g, const char *name, const char *value)
{
	owned char *text = mem_format("%s=%s", name, value);

	list_add(&g->environment, text);
}

/* "USER:PASSWORD", or a token as the forges have it. */
static int read_token(struct git *g, struct err *e)
{
	owned_buf token = BUF_INIT(TOKEN_MOST);

	if (token_read(g->fetch->source->token_file, &token, e) < 0)
		return err_in(e, "token-file");
	owned char *pair = strchr(token.data, ':') ? mem_copy(token.data)
						   : mem_format(TOKEN_USER ":%s", token.data);
	owned char *encoded = base64_encode(pair, strlen(pair));
	/* On a redirect git would tell the next server too. */
	owned char *text = mem_format("[http]\n\textraHeader = Authorization: Basic %s\n"
				      "\tfollowRedirects = false\n",
				      encoded);
	return program_secret(text, &g->secret, e);
}

/* A redirect from http may lead to https. */
static const char *protocols_of(const char *url)
{
	return text_starts(url, "https://")  ? "https"
	       : text_starts(url, "http://") ? "http:https"
	       : text_starts(url, "git://")  ? "git"
					     : "ssh";
}

static int set_environment(struct git *g, struct err *e)
{
	const struct fetch_source *s = g->fetch->source;
	owned char *ssh = ssh_command(s);

	/* No word and no secret of who started us, and no .netrc of theirs. */
	program_bare(&g->environment);
	add_variable(g, "HOME", g->home);
	add_variable(g, "XDG_CONFIG_HOME", g->home);
	add_variable(g, "GIT_TERMINAL_PROMPT", "0");
	add_variable(g, "GIT_ASKPASS", "");
	add_variable(g, "SSH_ASKPASS", "");
	add_variable(g, "GIT_CONFIG_NOSYSTEM", "1");
	add_variable(g, "GIT_ATTR_NOSYSTEM", "1");
	add_variable(g, "GIT_ALLOW_PROTOCOL", protocols_of(s->git));
	add_variable(g, "GIT_DIR", g->repository);
	add_variable(g, "GIT_INDEX_FILE", g->index);
	add_variable(g, "LC_ALL", "C");
	if (s->ca_file)
		add_variable(g, "GIT_SSL_CAINFO", s->ca_file);
	add_variable(g, "GIT_SSH_COMMAND", ssh);
	if (s->token_file && read_token(g, e) < 0)
		return -1;
	owned char *config =
		g->secret < 0 ? mem_copy("/dev/null") : mem_format("/proc/self/fd/%d", g->secret);
	add_variable(g, "GIT_CONFIG_GLOBAL", config);
	return 0;
}

/* Words end with NULL. plan says what becomes of its answer, and what is looked at meanwhile. */
static int run_plan(struct git *g, struct program_plan plan, struct err *e,
		    const char *const *words)
{
	static const char *const first[] = {
		"git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0",
	};
	const char *argv[WORDS_MOST] = { 0 };
	struct program_end end;
	size_t count = sizeof(first) / sizeof(first[0]);

	memcpy(argv, first, sizeof(first));
	while (*words && count + 1 < WORDS_MOST)
		argv[count++] = *words++;
	plan.argv = argv;
	plan.environment = &g->environment;
	plan.directory = g->work;
	plan.pass = g->secret < 0 ? 0 : g->secret;
	plan.deadline = g->fetch->deadline;
	return program_run(&plan, &end, e);
}

/* Its answer in out; NULL: of no interest. */
static int run(struct git *g, struct buf *out, struct err *e, const char *const *words)
{
	return run_plan(g, (struct program_plan){ .out = out }, e, words);
}

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

/* Lines of "ID TAB NAME": a tag that stands for a commit names that as "NAME^{}". */
static char *find_ref(const char *lines, const char *ref)
{
	static const char *const forms[] = { "refs/tags/%s^{}", "refs/heads/%s", "refs/tags/%s",
					     "%s" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *rest = strchr(forms[i], '%') + 2;
		owned char *name =
			mem_format("%.*s%s%s", (int)(rest - 2 - forms[i]), forms[i], ref, rest);

		for (const char *line = lines; *line;
		     line += strcspn(line, "\n"), line += !!*line) {
			size_t id = strcspn(line, "\t\n"), length = strcspn(line, "\n");

			if (line[id] == '\t' && length - id - 1 == strlen(name) &&
			    strncmp(line + id + 1, name, strlen(name)) == 0) {
				owned char *found = mem_copy_part(line, id);

				return is_id(found) ? mem_take(found) : NULL;
			}
		}
	}
	return NULL;
}

/* The commit that ref stands for now, on the heap; NULL with e. */
static char *ask(struct git *g, struct err *e)
{
	const char *ref = g->fetch->source->ref ? g->fetch->source->ref : "HEAD";
	owned char *peeled = mem_format("%s^{}", ref);
	owned_buf answer = BUF_INIT(ANSWER_MOST);

	if (is_id(ref))
		return mem_copy(ref);
	g->fetch->requests++;
	int status = run(g, &answer, e,
			 WORDS("ls-remote", "--quiet", "--", g->fetch->source->git, ref, peeled));
	g->fetch->wire_bytes += answer.length;
	if (status < 0)
		return NULL;
	char *commit = find_ref(answer.data, ref);
	if (!commit)
		(void)err_set(e, ERR_REMOTE, "it has no branch or tag '%s'", ref);
	return commit;
}

static int add_size(const struct tree_entry *t, void *owner, struct err *e)
{
	(void)e;
	if (!t->leaving && S_ISREG(t->st.st_mode))
		*(uint64_t *)owner += (uint64_t)t->st.st_size;
	return 0;
}

static uint64_t size_of(int root)
{
	struct err ignored;
	uint64_t bytes = 0;

	(void)tree_walk(root, add_size, &bytes, &ignored);
	return bytes;
}

/* What KEPT stands for, on the heap; NULL with e. */
static char *kept_commit(struct git *g, struct err *e)
{
	owned_buf answer = BUF_INIT(ANSWER_MOST);

	if (run(g, &answer, e, WORDS("rev-parse", "--verify", KEPT "^{commit}")) < 0)
		return NULL;
	return mem_copy_part(answer.data, strcspn(answer.data, "\n"));
}

static int get_as(struct git *g, const struct program_plan *plan, const char *what, struct err *e)
{
	g->fetch->requests++;
	return run_plan(g, *plan, e,
			WORDS("fetch", "--quiet", "--depth=1", "--no-tags",
			      "--no-recurse-submodules", "--no-write-fetch-head", "--",
			      g->fetch->source->git, what));
}

/*
 * Servers that give out no commit but the ends of branches and tags may have moved on since they
 * were asked: then *commit becomes what the end is by now.
 */
static int get(struct git *g, char **commit, struct err *e)
{
	const struct fetch_source *s = g->fetch->source;
	owned char *end = mem_format("+%s:" KEPT, s->ref ? s->ref : "HEAD");
	uint64_t before = size_of(g->work);
	struct tree_growth growth = { g->work, source_limits(s) };
	const struct program_plan plan = { .check = tree_check_growth, .owner = &growth };
	struct err other = { 0 };

	growth.most.bytes += before + SLACK;
	growth.most.files = UINT64_MAX;
	int status = get_as(g, &plan, *commit, e);
	if (status < 0 && !(s->ref && is_id(s->ref)) && get_as(g, &plan, end, &other) == 0) {
		*e = (struct err){ 0 };
		free(*commit);
		*commit = kept_commit(g, e);
		status = *commit ? 0 : -1;
	}
	uint64_t after = size_of(g->work);
	g->fetch->wire_bytes += after > before ? after - before : 0;
	return status;
}

static int open_repository(struct git *g, struct err *e)
{
	struct stat st;

	if (fstatat(g->work, REPOSITORY "/HEAD", &st, 0) == 0)
		return 0;
	return run(g, NULL, e, WORDS("init", "--quiet", "--bare", "--template=", g->repository));
}

/* What a commit would write out, by the records of "MODE TYPE ID SIZE TAB NAME NUL". */
struct listing {
	struct tree_limits most;
	uint64_t bytes, files;
	char head[HEAD_MOST]; /* of the record, to the TAB */
	size_t length;
	bool in_name;
};

static int take_record(struct listing *l, struct err *e)
{
	const char *size = memrchr(l->head, ' ', l->length);

	l->bytes += size ? strtoull(size, NULL, 10) : 0;
	if (++l->files > l->most.files)
		return err_set(e, ERR_REMOTE, "more than %" PRIu64 " files, see \"most-files\"",
			       l->most.files);
	if (l->bytes > l->most.bytes)
		return err_set(e, ERR_REMOTE, "more than %" PRIu64 " bytes, see \"most-bytes\"",
			       l->most.bytes);
	l->length = 0;
	return 0;
}

static int take_listing(void *owner, const char *bytes, size_t count, struct err *e)
{
	struct listing *l = owner;

	for (size_t i = 0; i < count; i++) {
		if (l->in_name) {
			l->in_name = bytes[i] != '\0';
		} else if (bytes[i] == '\t') {
			l->in_name = true;
			if (take_record(l, e) < 0)
				return -1;
		} else if (l->length + 1 < sizeof(l->head)) {
			l->head[l->length++] = bytes[i];
			l->head[l->length] = '\0';
		}
	}
	return 0;
}

/* A few objects can name one another so often that no memory holds the list: it is counted first.
 */
static int check_listing(struct git *g, const char *commit, struct err *e)
{
	struct listing listing = { .most = source_limits(g->fetch->source) };
	const struct program_plan plan = { .take = take_listing, .owner = &listing };

	return run_plan(g, plan, e, WORDS("ls-tree", "-r", "-t", "-l", "-z", commit));
}

static int write_out(struct git *g, const char *commit, struct err *e)
{
	if (check_listing(g, commit, e) < 0)
		return -1;
	add_variable(g, "GIT_WORK_TREE", g->tree);
	if (run(g, NULL, e, WORDS("read-tree", commit)) < 0)
		return -1;
	return run(g, NULL, e, WORDS("checkout-index", "--all", "--quiet"));
}

/* What no tree needs any more goes when it has become a lot. That it could not is no harm. */
static void tidy(struct git *g, const char *commit)
{
	struct err ignored;

	if (run(g, NULL, &ignored, WORDS("update-ref", KEPT, commit)) == 0 &&
	    size_of(g->work) > 2 * size_of(g->tree_fd) + SLACK)
		(void)run(g, NULL, &ignored, WORDS("gc", "--quiet", "--prune=now"));
}

static enum source_fill fetch(struct git *g, struct err *e)
{
	struct fetch *f = g->fetch;
	struct err first;

	if (set_environment(g, e) < 0)
		return SOURCE_FILL_FAILED;
	owned char *commit = ask(g, e);
	if (!commit)
		return SOURCE_FILL_FAILED;
	if (f->known->version && text_is(f->known->version, commit))
		return SOURCE_AS_BEFORE;
	if (open_repository(g, e) < 0 || get(g, &commit, e) < 0 || write_out(g, commit, e) < 0) {
		/* What is in the repository may be why: the next time begins without it. */
		(void)cache_remove(f->folder, f->folder->work, &first);
		return SOURCE_FILL_FAILED;
	}
	tidy(g, commit);
	f->next.version = mem_take(commit);
	f->settle = true;
	return SOURCE_FILLED;
}

static enum source_fill fill(struct fetch *f, int tree, struct err *e)
{
	struct git g = { .fetch = f, .secret = -1, .tree_fd = tree };
	owned char *path = mem_format("%s/%s", f->folder->path, f->folder->work);
	owned char *shown = setting_url_shown(f->source->git);

	g.work = cache_work_open(f->folder, e);
	if (g.work < 0)
		return SOURCE_FILL_FAILED;
	owned char *whole = realpath(path, NULL);
	g.home = mem_format("%s/home", whole ? whole : path);
	g.repository = mem_format("%s/" REPOSITORY, whole ? whole : path);
	g.tree = mem_format("%s/../" CACHE_NEW, whole ? whole : path);
	g.index = mem_format("%s/index", whole ? whole : path);
	enum source_fill status = fetch(&g, e);
	(void)unlinkat(g.work, "index", 0);
	fd_close(&g.work);
	fd_close(&g.secret);
	list_clear(&g.environment);
	free(g.home);
	free(g.repository);
	free(g.index);
	free(g.tree);
	return status < 0 ? (enum source_fill)err_in(e, "%s", shown) : status;
}

const struct source_kind kind_git = {
	.name = "git",
	.takes = "ref token-file ssh-key-file known-hosts-file ca-file",
	.check = check,
	.fill = fill,
};
