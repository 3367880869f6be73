/* SPDX-License-Identifier: Apache-2.0 */
/* source_sidecar: what the resident knows of itself, such as the version that the game runs. */
#include "base/err.h"
#include "base/text.h"
#include "probe/source_kinds.h"

static const char *const words[] = { "version", "digest", "reload", "ready" };

static int check(const struct source_settings *s, struct err *e)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text_is(s->sidecar, words[i]))
			return 0;
	return err_set(e, ERR_USAGE, "\"sidecar\": expected version, digest, reload or ready");
}

static void look(struct source *s)
{
	const struct source_world *w = s->world;
	const char *text = w->sidecar ? w->sidecar(w->owner, s->settings->sidecar) : NULL;
	struct err e;

	if (text) {
		source_say(s, text, 0);
		return;
	}
	(void)err_set(&e, ERR_REMOTE,
		      w->sidecar ? "the sidecar has none now" : "only the resident 'run' knows it");
	source_fail(s, &e);
}

const struct source_kind source_sidecar = {
	.name = "sidecar",
	.takes = "",
	.check = check,
	.look = look,
};
