/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify: `gs-fetch verify`, a detached signature of a file. */
#include "base/buf.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "fetch/commands.h"
#include "fetch/trust.h"

#include <fcntl.h>
#include <stdio.h>

struct verify_options {
	char *public_key, *signature;
};

static const struct setting rows[] = {
	{ .name = "public-key",
	  .value = "FILE",
	  .help = "the key in PEM: ECDSA P-256, or RSA of at least 2048 bits",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct verify_options, public_key) },
	{ .name = "signature",
	  .value = "FILE",
	  .help = "what `openssl dgst -sha256 -sign` made of the file",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct verify_options, signature) },
};

static int verify(const char *path, const struct verify_options *o, struct err *e)
{
	owned_buf signature = BUF_INIT(TRUST_SIGNATURE_MOST);
	struct trust_digest content;
	char text[TRUST_TEXT_SIZE];
	owned_fd fd = -1;

	if (!o->public_key || !o->signature)
		return err_set(e, ERR_USAGE, "--public-key and --signature are needed");
	if (io_read_file(AT_FDCWD, o->signature, &signature, e) < 0)
		return err_in(e, "signature");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (trust_file(fd, &content, e) < 0 ||
	    trust_signed(o->public_key, &content, signature.data, signature.length, e) < 0)
		return err_in(e, "'%s'", path);
	(void)printf("signed: sha256 %s\n", trust_text(&content, text));
	return 0;
}

static int run(const char *const *words, const void *values)
{
	struct err e = { 0 };

	if (verify(words[0], values, &e) == 0)
		return EXIT_DONE;
	log_error("%s", e.text);
	return (int)err_exit_status(&e);
}

const struct fetch_command command_verify = {
	.name = "verify",
	.words = "FILE",
	.summary = "whether a file is signed by the owner of a key",
	.text = "Make a key, sign on the build machine, and give the image the public key alone:\n"
		"\n"
		"  openssl ecparam -name prime256v1 -genkey -noout -out key.pem\n"
		"  openssl pkey -in key.pem -pubout -out public.pem\n"
		"  openssl dgst -sha256 -sign key.pem -out assets.tar.zst.sig assets.tar.zst\n"
		"  gs-fetch verify --public-key public.pem --signature assets.tar.zst.sig "
		"assets.tar.zst\n"
		"\n"
		"Exit status: 0 it is; 5 it is not; 2 the key is no such key; 4 a file cannot be "
		"read.\n",
	.options = SETTING_GROUP(rows),
	.run = run,
	.size = sizeof(struct verify_options),
};
