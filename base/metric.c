/* SPDX-License-Identifier: Apache-2.0 */
/* metric: see metric.h. */
#include "base/metric.h"

#include "base/buf.h"

#include <stddef.h>
#include <string.h>

static struct metric *first, **last = &first;

void metric_list(struct metric *m)
{
	if (m->next || last == &m->next)
		return;
	*last = m;
	last = &m->next;
}

static void add_head(struct buf *b, const struct metric *m)
{
	(void)buf_add_format(b, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
			     m->kind == METRIC_COUNTER ? "counter" : "gauge");
}

void metric_page(struct buf *b)
{
	const char *name = "";

	for (const struct metric *m = first; m; m = m->next) {
		if (strcmp(name, m->name) != 0)
			add_head(b, m);
		name = m->name;
		(void)buf_add_text(b, m->name);
		if (m->labels)
			(void)buf_add_format(b, "{%s}", m->labels);
		(void)buf_add_format(b, " %.17g\n", m->value);
	}
}
