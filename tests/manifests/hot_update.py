# SPDX-License-Identifier: Apache-2.0
"""
The commands `kubectl patch` beside a manifest, in its folder's README.md or in its comments: what
is updated in place changes one image, and nothing else.
"""
import json
import re

import json_patch
import schema
from formats import image_parts

COMMAND = re.compile(r"kubectl patch (\S+) (\S+)([^']*)'([^']*)'")
KINDS = {"gss": "GameServerSet", "gameserverset": "GameServerSet", "sidecarset": "SidecarSet",
         "gs": "GameServer", "gameserver": "GameServer"}
# Where the game itself is updated, with its sidecar.
OF_THE_GAME = "downtime-update"
# What of them is the pod's.
OF_THE_POD = {"GameServerSet": ("spec.gameServerTemplate",),
              "SidecarSet": ("spec.containers", "spec.initContainers", "spec.volumes")}


def commands(text):
    """(kind, name, type, patch) of each."""
    text = text.replace("\\\n", " ").replace("\n# ", " ")
    for what, name, flags, patch in COMMAND.findall(text):
        kind = re.search(r"--type[= ](\w+)", flags)
        yield KINDS.get(what, what), name, kind[1] if kind else "strategic", patch


def check(text, manifests, definitions, folder):
    """manifests: whole ones by kind and name."""
    for kind, name, form, patch in commands(text):
        path = f"kubectl patch {kind} {name}"
        old = target(kind, name, manifests)
        if not old:
            there = ", ".join(" ".join(key) for key in manifests)
            yield f"{path}: there is no such object; there are {there or 'none'}"
            continue
        try:
            new = patched(old, form, patch, definitions)
        except ValueError as error:
            yield f"{path}: {error}"
            continue
        wrong = [f"{path}: {message}" for message in schema.errors(new, definitions[kind])]
        yield from wrong or changes(old, new, path, folder)


def target(kind, name, manifests):
    """A GameServer is made of its set."""
    of_set = ("GameServerSet", name.rpartition("-")[0])
    if kind == "GameServer" and of_set in manifests:
        return {"apiVersion": manifests[of_set]["apiVersion"], "kind": kind,
                "metadata": {"name": name}, "spec": {"opsState": "None"}}
    return manifests.get((kind, name))


def patched(old, form, patch, definitions):
    """ValueError says why not."""
    try:
        patch = json.loads(patch)
    except ValueError as error:
        raise ValueError(f"{error}; right is JSON in single quotes") from error
    if form == "merge":
        return json_patch.merge(old, patch)
    if form != "json":
        raise ValueError(f"--type {form} is not for custom resources; right is json or merge")
    for i, operation in enumerate(patch):
        for message in schema.errors(operation, definitions["JsonPatch"], f"[{i}]"):
            raise ValueError(message)
    return json_patch.apply(old, patch)


def changes(old, new, path, folder):
    every = list(json_patch.differences(old, new))
    of_the_pod = [c for c in every if c[0].startswith(OF_THE_POD.get(old["kind"], "none"))]
    if of_the_pod:
        yield from in_place(old, of_the_pod, path, folder)
    elif not every:
        yield f"{path}: it changes nothing"


def in_place(old, images, path, folder):
    """One image of one ordinary container, and the policy for it."""
    others = [where for where, _, _ in images if not where.endswith(".image")]
    for where in others:
        yield (f"{path}: it changes {where}, which recreates the pod; in place only an image can "
               "change")
    if others:
        return
    if len(images) > 1 and folder != OF_THE_GAME:
        yield f"{path}: it changes {len(images)} images; a hot update is of one container"
    policy = old["spec"].get("updateStrategy", {}).get("rollingUpdate", {}).get("podUpdatePolicy")
    if old["kind"] == "GameServerSet" and policy not in ("InPlaceIfPossible", "InPlaceOnly"):
        yield (f"{path}: podUpdatePolicy is {policy}, so the pod is recreated; write "
               "InPlaceIfPossible")
    for where, before, after in images:
        yield from one_image(where, before, after, path, folder)


def one_image(where, before, after, path, folder):
    if ".initContainers[" in where:
        yield (f"{path}: {where} is a native sidecar's, which Kruise up to 1.9 does not update in "
               "place; the pod is recreated")
    if before.rpartition(":")[0] != after.rpartition(":")[0] or before == after:
        yield f"{path}: {before} becomes {after}; another version has another tag only"
    name, _ = image_parts(after)
    if not name.endswith("-sidecar") and folder != OF_THE_GAME:
        yield f"{path}: {where} is not the sidecar's; its image is called NAME-sidecar"
