/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/pattern.h"

#include <limits.h>
#include <stdio.h>
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
		cmocka_unit_test(escapes),
		cmocka_unit_test(names_are_bytes),
		cmocka_unit_test(long_names),
		cmocka_unit_test(what_could_not_fit_is_refused),
		cmocka_unit_test(dots_in_names_are_taken),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
