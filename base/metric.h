/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metric: numbers that modules own and a page shows, in Prometheus' text format
 * (prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4).
 *
 * A module keeps a static struct metric where it counts and lists it once. Metrics of one name with
 * different labels are listed one after the other; the first one's help stands for all.
 */
#pragma once

struct buf;

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
	const char *name;
	const char *labels; /* result="ok", without braces; NULL: none */
	const char *help;
	enum metric_kind kind;
	double value;
	struct metric *next;
};

/* Adds it to the page; once. */
void metric_list(struct metric *m);

/* The whole page. */
void metric_page(struct buf *b);
