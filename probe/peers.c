/* SPDX-License-Identifier: Apache-2.0 */
/* peers: see peers.h. */
#include "probe/peers.h"

#include "base/err.h"
#include "base/parse.h"
#include "base/text.h"
#include "probe/number.h"
#include "probe/source.h"

int peers_read(const struct list *ports, const struct source_settings *s, struct peers *ret,
	       struct err *e)
{
	int64_t port;

	*ret = (struct peers){ 0 };
	if (!ports->count || ports->count > SOCKETS_PORTS_MOST)
		return err_set(e, ERR_USAGE, "expected 1 to %d ports", SOCKETS_PORTS_MOST);
	if (s->except.count > PEERS_EXCEPT_MOST)
		return err_set(e, ERR_USAGE, "\"except\": expected at most %d", PEERS_EXCEPT_MOST);
	for (size_t i = 0; i < ports->count; i++) {
		if (parse_count(ports->items[i], 1, UINT16_MAX, &port, e) < 0)
			return -1;
		ret->ports[ret->port_count++] = (uint16_t)port;
	}
	for (size_t i = 0; i < s->except.count; i++)
		if (text_is(s->except.items[i], PEERS_LOOPBACK))
			ret->except_loopback = true;
		else if (prefix_parse(s->except.items[i], &ret->except[ret->except_count++], e) < 0)
			return err_in(e, "\"except\"");
	return 0;
}

bool peers_count(const struct peers *p, const uint8_t peer[16], bool loopback)
{
	if (loopback && p->except_loopback)
		return false;
	for (size_t i = 0; i < p->except_count; i++)
		if (prefix_has(&p->except[i], peer))
			return false;
	return true;
}

void peers_say(struct source *s, const struct list *ports,
	       int64_t (*count)(const struct peers *p, int64_t deadline, struct err *e))
{
	int64_t deadline = s->began + s->settings->timeout, found = -1, again;
	struct peers peers;
	double before = 0;
	struct err e;

	if (peers_read(ports, s->settings, &peers, &e) == 0)
		found = count(&peers, deadline, &e);
	if (s->last.known)
		(void)number_parse(s->last.text, &before);
	if (found >= 0 && (found == 0 || (double)found < before)) {
		again = count(&peers, deadline, &e);
		found = again < 0 || again > found ? again : found;
	}
	if (found < 0)
		source_fail(s, &e);
	else
		source_say_number(s, (double)found);
}
