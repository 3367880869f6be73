/* SPDX-License-Identifier: Apache-2.0 */
/* settings: the rows of struct sync_settings. */
#include "sync/sync.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "sync/generations.h"
#include "sync/layer.h"

#include <inttypes.h>
#include <string.h>

#define AT(field) offsetof(struct sync_settings, field)

static const char *const publish_modes[] = { "in-place", "data", "exchange", NULL };
static const char *const verify_ways[] = { "none", "stat", "full", NULL };
static const char *const foreign_ways[] = { "replace", "keep", NULL };

static const struct setting target_rows[] = {
	{ .name = "target",
	  .value = "DIR",
	  .type = SETTING_TEXT,
	  .offset = AT(target),
	  .help = "Directory they are synced to, in the volume that the game mounts too." },
	{ .name = "state",
	  .value = "DIR",
	  .type = SETTING_TEXT,
	  .offset = AT(state),
	  .help = "Directory for what has to survive a restart. Not set: `.gs-sidecar` in the "
		  "target; with exchange `.gs-sidecar-NAME` beside it." },
};

static const struct setting rows[] = {
	{ .name = "source",
	  .value = "DIR[:SUBPATH]",
	  .type = SETTING_LIST,
	  .offset = AT(sources),
	  .objects = true,
	  .help = "Directory whose files are synced, in the sidecar's image; given again, another "
		  "layer that covers the ones before. Or a JSON object: what gs-fetch makes a "
		  "directory of (docs/sources.md)." },
	{ .name = "publish",
	  .value = "MODE",
	  .type = SETTING_CHOICE,
	  .offset = AT(publish),
	  .standard = "in-place",
	  .choices = publish_modes,
	  .help = "How a version becomes visible. in-place: each file by a rename, removals last; "
		  "data: all at once, by the link `..data` as in a ConfigMap; exchange: all at "
		  "once, the target changes places with the new version." },
	{ .name = "keep",
	  .value = "N",
	  .type = SETTING_COUNT,
	  .offset = AT(keep),
	  .standard = "2",
	  .help = "How many older versions are kept to go back to with `rollback`; files that did "
		  "not change cost nothing." },
	{ .name = "grace",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(grace),
	  .standard = "60s",
	  .help = "How long the old version stays, with data and exchange, for those who have it "
		  "open." },
	{ .name = "include",
	  .value = "PATTERN",
	  .type = SETTING_LIST,
	  .offset = AT(include),
	  .check = pattern_check,
	  .help = "Sync only what this or another one of them fits: `*.js` anywhere, `/maps` at "
		  "the "
		  "root, with all below it." },
	{ .name = "exclude",
	  .value = "PATTERN",
	  .type = SETTING_LIST,
	  .offset = AT(exclude),
	  .check = pattern_check,
	  .help = "Leave out what this fits, with all below it; it wins over --include." },
	{ .name = "verify",
	  .value = "HOW",
	  .type = SETTING_CHOICE,
	  .offset = AT(verify),
	  .standard = "stat",
	  .choices = verify_ways,
	  .help = "How far what is written down of a sealed source and of the target is trusted. "
		  "none: wholly; stat: where size and time agree; full: not at all." },
	{ .name = "foreign",
	  .value = "WHAT",
	  .type = SETTING_CHOICE,
	  .offset = AT(foreign),
	  .standard = "replace",
	  .choices = foreign_ways,
	  .help = "What to do where a file that is not ours lies in the way: replace or keep it." },
	{ .name = "shrink-limit",
	  .value = "PERCENT",
	  .type = SETTING_COUNT,
	  .offset = AT(shrink_limit),
	  .standard = "50",
	  .help = "Refuse a version that more of the published files are missing from (and any "
		  "that "
		  "is empty)." },
	{ .name = "validate",
	  .value = "WORD",
	  .type = SETTING_LIST,
	  .offset = AT(validate),
	  .help = "Command run in the new version's directory before anybody sees it; only its "
		  "exit "
		  "status 0 lets the version through, and it must only read." },
	{ .name = "validate-deadline",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = AT(validate_deadline),
	  .standard = "30s",
	  .help = "Longest time for --validate." },
	{ .name = "threads",
	  .value = "N",
	  .type = SETTING_COUNT,
	  .offset = AT(threads),
	  .standard = "0",
	  .help = "Threads to sync with; 0: one for each CPU, at most 8." },
};

static const struct setting label_rows[] = {
	{ .name = "label",
	  .value = "TEXT",
	  .type = SETTING_TEXT,
	  .offset = AT(label),
	  .help = "What people call the version, such as v1.4.2: at most 47 bytes. Not set: for "
		  "a sync, what the source's seal says." },
};

static const struct setting force_rows[] = {
	{ .name = "force",
	  .type = SETTING_FLAG,
	  .offset = AT(force),
	  .help = "Publish although --shrink-limit forbids it, or the version was gone back "
		  "from." },
};

/* For the child of `run`, not for people. */
static const struct setting settle_rows[] = {
	{ .name = "settle", .type = SETTING_DURATION, .offset = AT(settle) },
	{ .name = "settle-longest", .type = SETTING_DURATION, .offset = AT(settle_longest) },
};

const struct setting_group sync_target_rows = SETTING_GROUP(target_rows);
const struct setting_group sync_rows = SETTING_GROUP(rows);
const struct setting_group sync_label_rows = SETTING_GROUP(label_rows);
const struct setting_group sync_force_rows = SETTING_GROUP(force_rows);
const struct setting_group sync_settle_rows = SETTING_GROUP(settle_rows);

int sync_check_label(const char *label, struct err *e)
{
	if (label && strlen(label) >= MANIFEST_LABEL_SIZE)
		return err_set(e, ERR_USAGE, "label '%s': expected at most %d bytes", label,
			       MANIFEST_LABEL_SIZE - 1);
	owned char *printable = text_printable(label ? label : "");
	if (label && !text_is(printable, label))
		return err_set(e, ERR_USAGE, "label '%s': expected text on one line", printable);
	return 0;
}

int sync_check(const struct sync_settings *settings, struct err *e)
{
	if (!settings->sources.count)
		return err_set(e, ERR_USAGE, "source is not set: --source DIR, what to sync");
	if (settings->sources.count > LAYERS_MOST)
		return err_set(e, ERR_USAGE, "%zu sources: no more than %d can be merged",
			       settings->sources.count, LAYERS_MOST);
	if (!settings->target)
		return err_set(e, ERR_USAGE, "target is not set: --target DIR, where to sync to");
	if (settings->keep > GENERATIONS_MOST - 1)
		return err_set(e, ERR_USAGE, "keep %" PRId64 ": expected at most %d",
			       settings->keep, GENERATIONS_MOST - 1);
	if (settings->shrink_limit > 100)
		return err_set(e, ERR_USAGE, "shrink-limit %" PRId64 ": expected at most 100",
			       settings->shrink_limit);
	return sync_check_label(settings->label, e);
}
