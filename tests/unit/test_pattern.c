/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/pattern.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *pattern, *path;
};

static void assert_fit(const struct row *rows, size_t count, bool fits)
{
	for (size_t i = 0; i < count; i++) {
		struct err e = { 0 };

		if (pattern_check(rows[i].pattern, &e) < 0)
			fail_msg("%s", e.text);
		if (pattern_fits(rows[i].pattern, rows[i].path) != fits)
			fail_msg("'%s' %s '%s'", rows[i].pattern, fits ? "does not fit" : "fits",
				 rows[i].path);
	}
}

#define FIT(...)                                        \
	assert_fit((const struct row[]){ __VA_ARGS__ }, \
		   sizeof((const struct row[]){ __VA_ARGS__ }) / sizeof(struct row), true)
#define NO_FIT(...)                                     \
	assert_fit((const struct row[]){ __VA_ARGS__ }, \
		   sizeof((const struct row[]){ __VA_ARGS__ }) / sizeof(struct row), false)

static void without_a_slash_it_is_a_name_at_any_depth(void **state)
{
	(void)state;
	FIT({ "*.map", "a.map" }, { "*.map", "js/a.map" }, { "*.map", "a/b/c/d.map" },
	    { "*.map", ".map" }, { "*.map", "js/.map" }, { "a", "a" }, { "a", "x/a" }, { "*", "a" },
	    { "*", ".hidden" }, { "*", "a/b" });
	NO_FIT({ "*.map", "a.mapx" }, { "*.map", "js/a.js" }, { "a", "ab" }, { "a", "ba" },
	       { "a", "x/ab" }, { "a", "A" }, { "?", "ab" }, { "js*map", "js/a.map" });
}

static void with_a_slash_it_is_a_path_from_the_root(void **state)
{
	(void)state;
	FIT({ "js/*.map", "js/a.map" }, { "*/a", "x/a" }, { "a/?/c", "a/b/c" },
	    { "js/*", "js/.x" });
	NO_FIT({ "js/*.map", "a.map" }, { "js/*.map", "x/js/a.map" }, { "js/*.map", "js/x/a.map" },
	       { "*/a", "a" }, { "*/a", "x/y/a" }, { "js/*", "js" }, { "a?b", "a/b" },
	       { "a[!x]b", "a/b" }, { "a[+-9]b", "a/b" });
}

static void what_fits_a_directory_fits_all_below(void **state)
{
	(void)state;
	FIT({ "logs", "logs/a" }, { "logs", "x/logs/a/b" }, { "js/*", "js/a/b/c" },
	    { "js/lib", "js/lib/a" }, { "*.d", "x/conf.d/y/z" }, { "/logs", "logs/a/b" });
	NO_FIT({ "logs", "logsx/a" }, { "js/lib", "js/libx/a" }, { "js/lib", "x/js/lib/a" },
	       { "/logs", "x/logs/a" }, { "a/b/c", "a/b" });
}

static void slashes_at_the_ends(void **state)
{
	(void)state;
	FIT({ "logs/", "logs" }, { "logs/", "logs/a" }, { "logs/", "x/logs" }, { "/x", "x" },
	    { "/x/", "x" }, { "/x/", "x/y" }, { "/js/*.map", "js/a.map" }, { "/*", "a/b" },
	    { "js/lib/", "js/lib" }, { "*/", "a" });
	NO_FIT({ "/x", "y/x" }, { "/x/", "y/x" }, { "logs/", "logsx" }, { "js/lib/", "x/js/lib" },
	       { "/*.map", "js/a.map" });
}

static void sets(void **state)
{
	(void)state;
	FIT({ "[ab]", "a" }, { "v[0-9]", "x/v7" }, { "[!a]", "b" }, { "[^a]", "b" }, { "[]]", "]" },
	    { "[!]]", "a" }, { "[[]", "[" }, { "[a-]", "-" }, { "[[:digit:]]x", "7x" },
	    { "[[:alpha:]_]", "_" }, { "[*]", "*" }, { "[?]", "?" }, { "[**]", "*" },
	    { "[.]a", ".a" });
	NO_FIT({ "[ab]", "c" }, { "[!a]", "a" }, { "[0-9]", "x" }, { "[*]", "a" },
	       { "[[:digit:]]", "a" }, { "[!]]", "]" }, { "[ab]", "[ab]" });
}

static void ranges(void **state)
{
	(void)state;
	FIT({ "[a-c]", "b" }, { "[a-cx]", "x" }, { "[-a]", "-" }, { "[--0]", "." },
	    { "[]-a]", "^" }, { "[!-]", "a" }, { "[a-c-e]", "-" }, { "[a-c-e]", "e" },
	    { "[!a-c]x", "dx" }, { "[%--]", "-" });
	NO_FIT({ "[a-c]", "d" }, { "[c-a]", "b" }, { "[a-c-e]", "d" }, { "[!a-c]x", "bx" },
	       { "[!-]", "-" }, { "[]-a]", "-" });
}

static void classes(void **state)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{ "alnum", "aZ7", "_ -" },    { "alpha", "aZ", "7_" },  { "blank", " \t", "\na" },
		{ "cntrl", "\001\177", "a" }, { "digit", "09", "a:" },  { "graph", "a!~", " \n" },
		{ "lower", "az", "A7" },      { "print", "a ~", "\n" }, { "punct", "!_~", "a " },
		{ "space", " \n\t", "a" },    { "upper", "AZ", "a7" },  { "xdigit", "fF9", "g" },
		{ "letter", "", "a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char set[32], others[32], name[2] = "";

		(void)snprintf(set, sizeof(set), "[[:%s:]]", rows[i].name);
		(void)snprintf(others, sizeof(others), "[!:[:%s:]x-x]", rows[i].name);
		for (const char *at = rows[i].in; *at; at++) {
			name[0] = *at;
			assert_true(pattern_fits(set, name));
			assert_false(pattern_fits(others, name));
		}
		name[0] = '\200';
		assert_false(pattern_fits(set, name));
		for (const char *at = rows[i].out; *at; at++) {
			name[0] = *at;
			assert_false(pattern_fits(set, name));
			assert_true(pattern_fits(others, name) == (*at != ':'));
		}
	}
}

static void escapes(void **state)
{
	(void)state;
	FIT({ "\\*", "*" }, { "\\?", "x/?" }, { "\\[a]", "[a]" }, { "a\\\\b", "a\\b" },
	    { "\\a", "a" }, { "\\*\\*", "**" }, { "a]", "a]" }, { "\\!", "!" }, { "!a", "!a" },
	    { "#a", "#a" }, { "{a,b}", "{a,b}" }, { "~", "~" });
	NO_FIT({ "\\*", "a" }, { "\\?", "a" }, { "\\[a]", "a" }, { "a\\\\b", "ab" },
	       { "{a,b}", "a" }, { "!a", "b" });
}

static void names_are_bytes(void **state)
{
	(void)state;
	FIT({ "*", "\377" }, { "*.x", "\377\376.x" }, { "?", "\200" }, { "\377", "\377" },
	    { "a\303*", "a\303\251" }, { "*\251", "\303\251" }, { "??", "\303\251" },
	    { "[\377]", "\377" }, { "[\200-\377]", "\303" }, { "[!a]", "\377" },
	    { "\303\251*", "x/\303\251t\303\251" }, { "\\\377", "\377" }, { "*b", "\355\240\200b" },
	    { "*", "a\nb" }, { "a\nb", "a\nb" }, { "*", " " }, { "\001*", "\001\002" },
	    { "*\377/b", "a\377/b" });
	NO_FIT({ "\377", "\376" }, { "[\377]", "\376" }, { "?", "\303\251" },
	       { "[\200-\377]", "a" }, { "\303", "\303\251" }, { "*a", "a\n" });

	for (int byte = 1; byte < 256; byte++) {
		char name[] = { 'x', (char)byte, 'y', '\0' };

		if (byte == '/')
			continue;
		assert_true(pattern_fits("x*y", name));
		assert_true(pattern_fits("x?y", name));
		assert_true(pattern_fits("x[!z]y", name) == (byte != 'z'));
		if (!strchr("*?[\\", byte))
			assert_true(pattern_fits(name, name));
	}
}

static void long_names(void **state)
{
	char name[256], deep[PATH_MAX], pattern[PATH_MAX + 2];
	size_t at = 0;
	struct err e = { 0 };

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	assert_true(pattern_fits(name, name));
	assert_true(pattern_fits("*", name));
	assert_true(pattern_fits("*n*n*n*n*n*n*n*n", name));
	assert_false(pattern_fits("*n*n*n*n*n*n*n*x", name));
	assert_false(pattern_fits(name, name + 1));

	memset(deep, 0, sizeof(deep));
	for (; at + 2 < sizeof(deep); at++)
		deep[at] = at % 2 ? '/' : 'd';
	deep[at] = 'x';
	assert_true(pattern_fits("x", deep));
	assert_true(pattern_fits("d/d/d", deep));
	assert_true(pattern_fits(deep, deep));
	assert_false(pattern_fits("y", deep));
	assert_int_equal(pattern_check(deep, &e), 0);

	memset(pattern, 'n', sizeof(pattern));
	pattern[sizeof(pattern) - 1] = '\0';
	assert_int_equal(pattern_check(pattern, &e), -1);
	assert_non_null(strstr(e.text, "more than 4095 bytes"));
	pattern[PATH_MAX] = '/';
	assert_false(pattern_fits(pattern, name));
	pattern[PATH_MAX - 1] = '/';
	pattern[PATH_MAX] = '\0';
	assert_false(pattern_fits(pattern, name));
	pattern[PATH_MAX - 1] = '\0';
	assert_int_equal(pattern_check(pattern, &e), 0);
}

static void stars_take_no_exponential_time(void **state)
{
	char name[PATH_MAX], pattern[PATH_MAX];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i + 2 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*n", 3);
	assert_true(pattern_fits(pattern, name));
	assert_true(pattern_fits_line(pattern, name));
	name[sizeof(name) - 2] = 'x';
	pattern[strlen(pattern) - 1] = 'y';
	assert_false(pattern_fits(pattern, name));
	assert_false(pattern_fits_line(pattern, name));
}

static void lines(void **state)
{
	static const struct {
		const char *pattern, *line;
		bool fits;
	} rows[] = {
		{ "*", "", true },
		{ "*", "/a/b c", true },
		{ "", "", true },
		{ "", "a", false },
		{ "a", "a/b", false },
		{ "/opt/*-game -[xyz]", "/opt/a/b-game -y", true },
		{ "a?b", "a/b", true },
		{ "a[/]b", "a/b", true },
		{ "a[!x]b", "a/b", true },
		{ "*b*d", "a/b/c/d", true },
		{ "*b*d", "a/b/c/d ", false },
		{ "**a", "/a", true },
		{ "a[", "a[", true },
		{ "a[b", "a[b", true },
		{ "[a", "a", false },
		{ "a\\", "a\\", true },
		{ "\\*", "*", true },
		{ "\\*", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (pattern_fits_line(rows[i].pattern, rows[i].line) != rows[i].fits)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].line);
}

/* One of the parts, so that sets come about. */
static void add_part(char *text, uint32_t *seed, const char *const *parts, uint32_t count)
{
	*seed = *seed * 1664525 + 1013904223;

	const char *part = parts[(*seed >> 16) % count];

	memcpy(text + strlen(text), part, strlen(part) + 1);
}

/* What the C library's own function says, for any pattern that is taken. */
static void as_fnmatch_does(void **state)
{
	static const char *const in_pattern[] = { "a", "b", "*",     "?", "[ab]",        "[!a]",
						  "/", "-", "[a-b]", "]", "[[:alpha:]]", "\\*" };
	static const char *const in_path[] = { "a", "b", "-", "*", "/", "a" };
	uint32_t seed = 1;
	int compared = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char pattern[128] = "a/", path[64] = "";
		struct err e = { 0 };

		for (int j = 0; j < 1 + i % 6; j++)
			add_part(pattern, &seed, in_pattern, 12);
		for (int j = 0; j < 1 + i % 7; j++)
			add_part(path, &seed, in_path, 6);
		bool fits = pattern_fits_line(pattern + 2, path);

		if (pattern_check(pattern, &e) < 0)
			continue;
		compared++;
		if (fits != (fnmatch(pattern + 2, path, 0) == 0))
			fail_msg("line '%s' and '%s'", pattern + 2, path);
		memmove(path + 2, path, strlen(path) + 1);
		memcpy(path, "a/", 2);
		fits = pattern_fits(pattern, path);
		if (pattern[strlen(pattern) - 1] == '/')
			continue;
		if (fits != (fnmatch(pattern, path, FNM_PATHNAME | FNM_LEADING_DIR) == 0))
			fail_msg("path '%s' and '%s'", pattern, path);
	}
	assert_true(compared > 10000);
}

static void what_could_not_fit_is_refused(void **state)
{
	static const struct {
		const char *pattern, *says;
	} rows[] = {
		{ "", "pattern '': it is empty" },
		{ "/", "it is empty" },
		{ "//", "no name between" },
		{ "a//b", "no name between" },
		{ "//a", "no name between" },
		{ "a//", "no name between" },
		{ "**", "'*.map'" },
		{ "**/*.map", "'*.map'" },
		{ "a/**", "fits all below it" },
		{ "a**b", "'**'" },
		{ ".", "are no names" },
		{ "..", "are no names" },
		{ "./a", "are no names" },
		{ "a/../b", "are no names" },
		{ "a/.", "are no names" },
		{ "../", "are no names" },
		{ "[", "'['" },
		{ "[a", "'['" },
		{ "[]", "'['" },
		{ "[!", "'['" },
		{ "[!]", "'['" },
		{ "a[b/c]", "'['" },
		{ "[[:digit:]", "'['" },
		{ "[[:di/git:]]", "'['" },
		{ "[[:digit]]", "'['" },
		{ "[[.a.]]", "'['" },
		{ "[[=a=]]", "'['" },
		{ "[\\]]", "'['" },
		{ "a\\", "backslash" },
		{ "a\\/b", "backslash" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };

		if (pattern_check(rows[i].pattern, &e) != -1)
			fail_msg("'%s' was taken", rows[i].pattern);
		assert_int_equal(e.kind, ERR_USAGE);
		if (!strstr(e.text, rows[i].says))
			fail_msg("'%s' is not in: %s", rows[i].says, e.text);
	}
}

static void dots_in_names_are_taken(void **state)
{
	static const char *const patterns[] = {
		"...", ".a", "..a", "a..", "a/.b", ".*", "*..", "a*"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct err e = { 0 };

		assert_int_equal(pattern_check(patterns[i], &e), 0);
	}
}

int test_pattern(void);

int test_pattern(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_slash_it_is_a_name_at_any_depth),
		cmocka_unit_test(with_a_slash_it_is_a_path_from_the_root),
		cmocka_unit_test(what_fits_a_directory_fits_all_below),
		cmocka_unit_test(slashes_at_the_ends),
		cmocka_unit_test(sets),
		cmocka_unit_test(ranges),
		cmocka_unit_test(classes),
		cmocka_unit_test(escapes),
		cmocka_unit_test(names_are_bytes),
		cmocka_unit_test(long_names),
		cmocka_unit_test(stars_take_no_exponential_time),
		cmocka_unit_test(lines),
		cmocka_unit_test(as_fnmatch_does),
		cmocka_unit_test(what_could_not_fit_is_refused),
		cmocka_unit_test(dots_in_names_are_taken),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
