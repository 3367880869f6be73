/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice: what is allowed, but not what Kruise and OKG make of it: warnings for whoever writes a
 * configuration. Why each is a trap is in docs/probes.md.
 */
#pragma once

struct probe_plan;

/* Calls tell() with each, one sentence. */
void advice_give(const struct probe_plan *p, void (*tell)(const char *text));
