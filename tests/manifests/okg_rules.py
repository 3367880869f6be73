# SPDX-License-Identifier: Apache-2.0
"""
What Kruise and OKG make of a GameServerSet: what is never right, and what is right only if the
words of a probe, its rules and its actions fit each other. docs/probes.md says why.
"""
import re

from calls import mount_of, seconds, sources
from formats import TEMPLATE, is_label_value, misfit
from pod import is_native, one_handler
from words import words_of

STATE_FIELD = "metadata.labels['game.kruise.io/gs-state']"
LETS_GO = ("WaitToBeDeleted", "Kill")
OPS_STATES = ("None", "WaitToBeDeleted", "Maintaining", "Allocated", "Kill")
# Those that sidecar/probe advises about, see probe/advice.c.
WORDS_THAT_LET_GO = ("done", "drained", "empty", "idle", "Kill", "WaitToBeDeleted")
TIMEOUT, PERIOD = 5, 3  # OKG's, where they are 0 or not set


# ---- one probe ----


def handler(quality, path, pod):
    ports = {p["name"] for c, _ in pod.ordinary for p in c.get("ports", []) if "name" in p}
    yield from one_handler(quality, path, ports)
    page = quality.get("httpGet")
    if page:
        for field in ("path", "scheme"):
            if field not in page:
                yield f"{path}.httpGet.{field}: it is missing; Kruise has no default"
        if "host" in page:
            yield f"{path}.httpGet.host: Kruise takes none; leave it out"


def container_name(quality, path, pod):
    name = quality.get("containerName")
    names = [c["name"] for c, _ in pod.containers if "name" in c]
    if name and pod.whole and not pod.container(name):
        yield (f"{path}.containerName: there is no container {name}, so the probe never runs; "
               f"there are {', '.join(names)}")


def times(quality, path, calls):
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
                  "failureThreshold"):
        if quality.get(field) == 0:
            yield f"{path}.{field}: to OKG 0 is its default; write a number from 1, or leave it out"
    timeout = quality.get("timeoutSeconds") or TIMEOUT
    period = quality.get("periodSeconds") or PERIOD
    if "timeoutSeconds" in quality and "periodSeconds" in quality and timeout > period:
        yield f"{path}.timeoutSeconds: {timeout} is more than periodSeconds, {period}"
    call = calls.probes.get(path)
    if call and call.settings.get("probe-timeout"):
        own = seconds(call.settings["probe-timeout"])
        if own >= min(timeout, period):
            yield (f"{path}: the probe answers within {own:g}s, but is killed after {timeout}s and "
                   f"asked every {period}s; it has to be shorter than both")


def actions(quality, path, hook, words):
    """hook: the labels that hold a server back."""
    every = [(a, f"{path}.serviceQualityAction[{i}]")
             for i, a in enumerate(quality.get("serviceQualityAction", []))]
    for action, where in every:
        yield from destructive(action, where, hook, words)
        yield from spelling(action, where)
        yield from templates(action, where)
        if words:
            yield from word_is_given(action, where, words)
            yield from number_is_given(action, where, words)
    yield from overwritten(every)
    if words and every:
        yield from acted_upon(every, path, words)


def lets_go(action, hook, words=None):
    """What of an action lets a server be deleted."""
    for key, value in action.get("labels", {}).items():
        held = hook.get(key, "true" if key == "gs-sync/delete-block" else None)
        if held is not None and value != held:
            return f"{key}: {value}"
    state = action.get("opsState", "")
    rendered = [w for w, _ in words.pairs] if words and TEMPLATE.search(state) else [state]
    return next((f"opsState: {s}" for s in rendered if s in LETS_GO), None)


def destructive(action, path, hook, words):
    what = lets_go(action, hook, words)
    if what and not action["state"]:
        yield (f"{path}: {what} on state: false, which every container has that starts or is down; "
               "let its word pass, and act on state: true")
    elif what and not action.get("result"):
        yield f"{path}: {what} on any word; name the result that lets go"
    elif what and action["result"] == "unknown":
        yield f"{path}: {what} on unknown; what cannot be told lets nobody go"


def spelling(action, path):
    state = action.get("opsState", "")
    for known in OPS_STATES:
        if state.lower() == known.lower() and state != known:
            yield f"{path}.opsState: {state} is nothing to OKG; it is spelt {known}"
    for key in list(action.get("labels", {})) + list(action.get("annotations", {})):
        if key.endswith("delete-block") and not key.startswith("gs-sync/"):
            yield (f"{path}: {key} stays on the GameServer; only gs-sync/ reaches the pod, where "
                   "the hook looks")
    result = action.get("result", "")
    if result != result.strip() or "|" in result or "\n" in result:
        yield f"{path}.result: {result!r} never fits; OKG deletes | and newlines, and trims nothing"
    elif result and not is_label_value(result):
        yield f"{path}.result: {result} is no word of gs-sidecar; {misfit('label-value', result)}"


def templates(action, path):
    for field in ("opsState", "updatePriority", "deletionPriority"):
        yield from template(str(action.get(field, "")), f"{path}.{field}")
    for field in ("labels", "annotations"):
        for key, value in action.get(field, {}).items():
            yield from template(value, f"{path}.{field}.{key}")


def template(text, path):
    if text.count("{{") != len(TEMPLATE.findall(text)):
        yield f"{path}: {text} is not closed; right is {{{{.Result}}}}"
    for found in TEMPLATE.findall(text):
        if ".Result" not in found:
            yield f"{path}: {found} has nothing in it that OKG knows; right is {{{{.Result}}}}"


def word_is_given(action, path, words):
    result, state = action.get("result"), action["state"]
    if result and not words.can_be(result, state):
        other = " (but with the other state)" if words.can_be(result, not state) else ""
        yield (f"{path}.result: the probe never says {result} with state: {str(state).lower()}"
               f"{other}; it says {', '.join(words.of(state)) or 'nothing'}")


def number_is_given(action, path, words):
    """OKG leaves a priority as it is when a word is no number."""
    for field in ("updatePriority", "deletionPriority"):
        if "{{" not in str(action.get(field, "")):
            continue
        for word in words.of(action["state"]):
            fits = action.get("result", word) == word
            if fits and "{" not in word and not re.fullmatch(r"-?\d+", word):
                yield f"{path}.{field}: {word} is no number; name the results that are"


def overwritten(every):
    """All that fit run: one for every word behind one for a single word wins."""
    for i, (early, _) in enumerate(every):
        for late, path in every[i + 1:]:
            if late["state"] != early["state"] or late.get("result") or not early.get("result"):
                continue
            for field, same in common(early, late):
                if not same:
                    yield (f"{path}: {field} overwrites what {early['result']} sets, since all "
                           "actions that fit run; name its result, or put it first")


def common(one, other):
    """(field, whether they set the same), of what both set."""
    for field in ("opsState", "updatePriority", "deletionPriority", "networkDisabled"):
        if field in one and field in other:
            yield field, one[field] == other[field]
    for field in ("labels", "annotations"):
        for key in one.get(field, {}).keys() & other.get(field, {}).keys():
            yield key, one[field][key] == other[field][key]


def acted_upon(every, path, words):
    for word, state in words.pairs:
        plain = word.removesuffix("-2")
        fitting = [a for a, _ in every if a["state"] == state and a.get("result") in (None, word)]
        if plain in WORDS_THAT_LET_GO and not fitting:
            yield f"{path}.serviceQualityAction: nobody acts on {word}; add an action for it"


# ---- the probe's files ----


def file_is_mounted(file, container, pod, path):
    """A file that a probe reads, of a downward API volume."""
    mount = mount_of(container, file)
    if not mount:
        yield f"{path}: {file} is on no volume; a volumeMount for it is missing in this container"
        return
    volume = pod.volume(mount["name"])
    if not volume:
        return  # another rule says so
    inner = file[len(mount["mountPath"].rstrip("/")) + 1:]
    if mount.get("subPath"):
        yield f"{path}: {file} is mounted with subPath, so it never changes; mount the volume whole"
    if "downwardAPI" in volume:
        items = {i["path"]: i["fieldRef"]["fieldPath"] for i in volume["downwardAPI"]["items"]}
        if inner not in items:
            yield f"{path}: the volume has no {inner}; it has {', '.join(items)}"
        elif "gs-state" in items[inner] and items[inner] != STATE_FIELD:
            yield f"{path}: {items[inner]} is no label of OKG's; right is {STATE_FIELD}"


def state_file(call, pod):
    file = call.settings.get("probe-state-file")
    if file and pod.whole:
        yield from file_is_mounted(file, call.container, pod, call.path)
        mount = mount_of(call.container, file)
        if mount and "downwardAPI" not in (pod.volume(mount["name"]) or {"downwardAPI": {}}):
            yield f"{call.path}: {file} is in no downward API volume; it has to be {STATE_FIELD}"


def source_files(call, pod):
    """Those of `run`'s configuration."""
    for source in sources(call):
        if "file" in source and pod.whole:
            yield from file_is_mounted(source["file"], call.container, pod, call.path)


# ---- a whole set ----


def one_probe_each(qualities):
    seen = {}
    for quality, path in qualities:
        name = quality.get("containerName")
        if name in seen:
            yield (f"{path}: {seen[name]} asks in {name}, too; kruise-daemon keeps one answer for "
                   "a container: one probe with several words, or another container")
        seen.setdefault(name, quality.get("name"))


def hook_holds(spec, qualities):
    """lifecycle.preDelete, the template's labels and the actions fit each other."""
    hook = spec.get("lifecycle", {}).get("preDelete", {}).get("labelsHandler", {})
    labels = spec.get("gameServerTemplate", {}).get("metadata", {}).get("labels", {})
    for key, value in hook.items():
        path = f"lifecycle.preDelete.labelsHandler.{key}"
        if labels.get(key) != value:
            yield (f"{path}: the template's metadata has no label {key}: {value}, so nothing is "
                   "ever held")
        if not key.startswith("gs-sync/"):
            yield f"{path}: only labels with gs-sync/ travel from the GameServer to the pod"
        given = [a["labels"][key] for q, _ in qualities for a in q.get("serviceQualityAction", [])
                 if key in a.get("labels", {})]
        if not any(v != value for v in given):
            yield f"{path}: no action sets it to another value, so the server is never deleted"
        elif value not in given:
            yield (f"{path}: no action sets it to {value} again, when players have come back; add "
                   "one on state: false")
    for quality, path in qualities:
        for i, action in enumerate(quality.get("serviceQualityAction", [])):
            for key in action.get("labels", {}):
                if key.endswith("delete-block") and key not in hook and "lifecycle" in spec:
                    yield (f"{path}.serviceQualityAction[{i}]: no hook waits for {key}; it is "
                           "missing in lifecycle.preDelete.labelsHandler")


def in_place(spec, pod, calls):
    """Kruise up to 1.9 updates spec.containers in place, no native sidecars."""
    policy = spec.get("updateStrategy", {}).get("rollingUpdate", {}).get("podUpdatePolicy")
    for container, path in pod.inits:
        if policy == "InPlaceOnly" and is_native(container):
            yield (f"{path}: a native sidecar is not updated in place by Kruise up to 1.9, and "
                   "InPlaceOnly then fails; move it to containers, or write ReCreate")
    residents = [c["name"] for c, _ in pod.ordinary if calls.resident(c)]
    if residents and policy not in ("InPlaceIfPossible", "InPlaceOnly"):
        yield (f"updateStrategy.rollingUpdate.podUpdatePolicy: it is {policy}, so an update of "
               f"{residents[0]} makes a new pod; write InPlaceIfPossible")


def check(spec, pod, qualities, calls):
    hook = spec.get("lifecycle", {}).get("preDelete", {}).get("labelsHandler", {})
    yield from one_probe_each(qualities)
    for quality, path in qualities:
        yield from handler(quality, path, pod)
        yield from container_name(quality, path, pod)
        yield from times(quality, path, calls)
        known = pod.whole and pod.container(quality["containerName"])
        words, message = words_of(quality, path, calls) if known else (None, None)
        if message:
            yield message
        yield from actions(quality, path, hook, words)
    for call in calls.probes.values():
        if call:
            yield from state_file(call, pod)
    for call in calls.mains.values():
        if call and call.command == "run":
            yield from source_files(call, pod)
    if pod.whole:
        yield from hook_holds(spec, qualities)
