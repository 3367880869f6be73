# SPDX-License-Identifier: Apache-2.0
"""Which words the probe of a serviceQuality can say, by the sidecar's configuration."""
import json
import re

# Of the probe that needs no configuration: word and state.
DRAINED = [("done", True), ("draining", False), ("serving", False)]


class Words:
    """What a probe can say: (word, state), where a word may have readings in it."""

    def __init__(self, pairs):
        self.pairs = pairs + [("unknown", False)]

    def can_be(self, word, state):
        return any(s == state and re.fullmatch(pattern_of(w), word) for w, s in self.pairs)

    def of(self, state):
        return sorted({w for w, s in self.pairs if s == state})


def pattern_of(word):
    return ".*".join(re.escape(part) for part in re.split(r"\{[^}]*\}", word))


def words_of_rules(probe):
    pairs = []
    for rule in probe["rules"]:
        word, state = rule["result"], rule.get("pass", True)
        pairs.append((word, state))
        if "refresh" in rule:
            pairs.append((f"{word}-2", state))
    return pairs


def resident_of(call, calls):
    """The `run` that a probe asks: its own container's, or the one at --control."""
    address = call.settings.get("control")
    if not address:
        return calls.resident(call.container)
    every = [c for c in calls.mains.values() if c and c.command == "run"]
    return next((c for c in every if c.settings.get("control") == address), None)


def probes_of(settings):
    """The configured probes by name; check shows a list with an escaped newline between."""
    text = settings.get("probe-rules") or ""
    probes, at = {}, 0
    while at < len(text):
        probe, end = json.JSONDecoder().raw_decode(text, at)
        probes[probe["name"]] = probe
        at = end + len("\\n")
    return probes


def words_of(quality, path, calls):
    """Words, or None with a message when the probe is not known."""
    call = calls.probes.get(path)
    if "httpGet" in quality:
        return words_of_page(quality, path, calls)
    if not call and "exec" in quality:
        return None, f"{path}: its command is not gs-sidecar's, so nothing is known of its words"
    if not call or not call.settings:
        return None, None  # others have said why
    if call.command != "probe":
        return None, f"{path}.exec.command: {call.command} is no probe; right is probe NAME"
    name = call.words[1]
    if name == "drained" and call.settings.get("probe-state-file"):
        return Words(DRAINED), None
    resident = resident_of(call, calls)
    if not resident:
        place = call.settings.get("control") or quality["containerName"]
        return None, f"{path}.exec.command: there is no `run` at {place}, which it would ask"
    if not resident.settings:
        return None, None
    probes = probes_of(resident.settings)
    if name not in probes:
        return None, (f"{path}.exec.command: `run` has no probe {name}; there are "
                      f"{', '.join(probes) or 'none'}")
    return Words(words_of_rules(probes[name])), None


def words_of_page(quality, path, calls):
    """By HTTP every word arrives with state true, or none at all."""
    page = quality["httpGet"]
    resident = calls.mains.get(quality["containerName"])
    name = page.get("path", "").partition("/probe/")[2]
    probes = probes_of(resident.settings) if resident else {}
    if name not in probes:
        return None, (f"{path}.httpGet.path: `run` has no probe {name or 'there'}; right is "
                      "/probe/NAME")
    pairs = words_of_rules(probes[name])
    if resident.settings["probe-always-200"] == "true":
        return Words([(w, True) for w, _ in pairs] + [("unknown", True)]), None
    return Words([pair for pair in pairs if pair[1]]), None
