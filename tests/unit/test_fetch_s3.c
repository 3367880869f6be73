/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "fetch/base64.h"
#include "fetch/s3_keys.h"
#include "fetch/s3_list.h"
#include "fetch/transfer.h"

#include <string.h>

#define OBJECT(key) \
	"<Contents><Key>" key "</Key><ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>"
#define LIST(inside) \
	"<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"x\">" inside "</ListBucketResult>\n"

static int add(void *owner, const struct s3_object *o, struct err *e)
{
	(void)e;
	return buf_add_format(owner, "%s=%s,%d\n", o->key, o->etag, (int)o->size);
}

/* expected NULL: it is refused. */
static void assert_list(const char *xml, const char *expected)
{
	owned char *text = mem_copy(xml);
	owned_buf b = BUF_INIT(4096);
	struct s3_page page;
	struct err e = { 0 };
	int status = s3_list_read(text, add, &b, &page, &e);

	free(page.token);
	if (!expected) {
		assert_int_equal(status, -1);
		assert_int_equal(e.kind, ERR_REMOTE);
		return;
	}
	if (status < 0)
		fail_msg("%s", e.text);
	assert_string_equal(b.data, expected);
}

static void objects_come_in_order(void **state)
{
	(void)state;
	assert_list(LIST(""), "");
	assert_list(LIST("<Prefix/>" OBJECT("a") OBJECT("b/c")), "a=\"e\",7\nb/c=\"e\",7\n");
	assert_list(LIST("<Contents><Owner><ID>x</ID><Key>no</Key></Owner><Size>1</Size>"
			 "<ETag>e</ETag><Key>yes</Key></Contents>"),
		    "yes=e,1\n");
}

static void keys_are_decoded(void **state)
{
	(void)state;
	assert_list(LIST(OBJECT("a&amp;&lt;&gt;&apos;&#x41;&#66;&#xfc;")),
		    "a&<>'AB\303\274=\"e\",7\n");
	assert_list(LIST("<EncodingType>url</EncodingType>" OBJECT("a%20b+c%2B%c3%BC")),
		    "a b c+\303\274=\"e\",7\n");
	assert_list(LIST(OBJECT("a%20b")), "a%20b=\"e\",7\n");
}

static void other_xml_is_refused(void **state)
{
	(void)state;
	assert_list("", NULL);
	assert_list("<Error><Code>AccessDenied</Code></Error>", NULL);
	assert_list("<ListBucketResult>", NULL);
	assert_list("<ListBucketResult></Contents>", NULL);
	assert_list(LIST("") "<more/>", NULL);
	assert_list("<!DOCTYPE x>" LIST(""), NULL);
	assert_list(LIST("<![CDATA[x]]>"), NULL);
	assert_list(LIST("<a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a>"), NULL);
	assert_list(LIST(OBJECT("&unknown;")), NULL);
	assert_list(LIST(OBJECT("&#0;")), NULL);
	assert_list(LIST(OBJECT("&#xd800;")), NULL);
	assert_list(LIST("<EncodingType>url</EncodingType>" OBJECT("%00")), NULL);
	assert_list(LIST("<EncodingType>url</EncodingType>" OBJECT("%4")), NULL);
	assert_list(LIST(OBJECT("")), NULL);
	assert_list(LIST("<Contents><Key>a</Key><Size>1</Size></Contents>"), NULL);
	assert_list(LIST("<Contents><Key>a</Key><ETag>e</ETag><Size>-1</Size></Contents>"), NULL);
	assert_list(LIST("<IsTruncated>true</IsTruncated>"), NULL);
}

static void the_next_page_has_a_token(void **state)
{
	char text[] = LIST("<IsTruncated>true</IsTruncated>"
			   "<NextContinuationToken>a&amp;b=</NextContinuationToken>");
	struct s3_page page;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(s3_list_read(text, add, NULL, &page, &e), 0);
	assert_true(page.more);
	assert_string_equal(page.token, "a&b=");
	free(page.token);
}

/* id NULL: it is refused. */
static void assert_keys(const char *file, const char *id, const char *secret, const char *token)
{
	owned char *text = mem_copy(file);
	struct transfer_keys k;
	struct err e = { 0 };
	int status = s3_keys_read(text, &k, &e);

	assert_int_equal(status, id ? 0 : -1);
	if (id) {
		assert_string_equal(k.id, id);
		assert_string_equal(k.secret, secret);
		assert_true(token ? k.token && strcmp(k.token, token) == 0 : !k.token);
	}
	s3_keys_done(&k);
}

static void keys_are_read_from_both_forms(void **state)
{
	(void)state;
	assert_keys("{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"b\"}", "a", "b", NULL);
	assert_keys(
		"\n{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"b\", \"SessionToken\": \"c\"}",
		"a", "b", "c");
	assert_keys("aws_access_key_id=a\naws_secret_access_key=b=c/+\n", "a", "b=c/+", NULL);
	assert_keys(
		"[x]\naws_access_key_id=n\n[default]\r\n# c\r\n aws_access_key_id = a\r\n"
		"aws_secret_access_key\t=\tb\r\naws_session_token=t\r\n[y]\naws_session_token=u",
		"a", "b", "t");
	assert_keys("", NULL, NULL, NULL);
	assert_keys("{", NULL, NULL, NULL);
	assert_keys("{\"AccessKeyId\": \"a\"}", NULL, NULL, NULL);
	assert_keys("[x]\naws_access_key_id=a\naws_secret_access_key=b\n", NULL, NULL, NULL);
	assert_keys("aws_access_key_id=a b\naws_secret_access_key=c\n", NULL, NULL, NULL);
}

static void assert_base64(const char *bytes, const char *expected)
{
	owned char *text = base64_encode(bytes, strlen(bytes));

	assert_string_equal(text, expected);
}

static void base64_as_rfc_4648_has_it(void **state)
{
	(void)state;
	assert_base64("", "");
	assert_base64("f", "Zg==");
	assert_base64("fo", "Zm8=");
	assert_base64("foo", "Zm9v");
	assert_base64("foob", "Zm9vYg==");
	assert_base64("\377\376\375", "//79");
}

static void urls_are_escaped(void **state)
{
	(void)state;
	owned char *path = transfer_escape("a b/\303\274~+", true);
	owned char *word = transfer_escape("a/b", false);

	assert_string_equal(path, "a%20b/%C3%BC~%2B");
	assert_string_equal(word, "a%2Fb");
}

int test_fetch_s3(void);

int test_fetch_s3(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_come_in_order),
		cmocka_unit_test(keys_are_decoded),
		cmocka_unit_test(other_xml_is_refused),
		cmocka_unit_test(the_next_page_has_a_token),
		cmocka_unit_test(keys_are_read_from_both_forms),
		cmocka_unit_test(base64_as_rfc_4648_has_it),
		cmocka_unit_test(urls_are_escaped),
	};

	return cmocka_run_group_tests_name("fetch_s3", tests, NULL, NULL);
}
