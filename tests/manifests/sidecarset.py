# SPDX-License-Identifier: Apache-2.0
"""What a SidecarSet makes of the pods of a GameServerSet (Kruise's pod webhook)."""
import copy

OWNER = "game.kruise.io/owner-gss"


def selects(sidecar_set, game_set):
    name, spec = game_set["metadata"]["name"], sidecar_set["spec"]
    template = game_set["spec"]["gameServerTemplate"]
    labels = {**template.get("metadata", {}).get("labels", {}), OWNER: name}
    namespace = game_set["metadata"].get("namespace", "default")
    wanted = spec["selector"].get("matchLabels", {})
    return wanted.items() <= labels.items() and spec.get("namespace", namespace) == namespace


def inject(sidecar_set, game_set):
    """The set as if its template had the sidecars."""
    whole = copy.deepcopy(game_set)
    pod = whole["spec"]["gameServerTemplate"]["spec"]
    games = pod["containers"]
    new = [with_mounts(c, games) for c in copy.deepcopy(sidecar_set["spec"]["containers"])]
    behind = [c for c in new if c.get("podInjectPolicy") == "AfterAppContainer"]
    pod["containers"] = [c for c in new if c not in behind] + games + behind
    pod["initContainers"] = pod.get("initContainers", []) + sidecar_set["spec"].get(
        "initContainers", [])
    # A volume of the same name is the pod's.
    names = [v["name"] for v in pod.get("volumes", [])]
    pod["volumes"] = pod.get("volumes", []) + [
        v for v in sidecar_set["spec"].get("volumes", []) if v["name"] not in names]
    return whole


def with_mounts(container, games):
    """shareVolumePolicy: what the others mount, too."""
    if container.get("shareVolumePolicy", {}).get("type") == "enabled":
        own = container.setdefault("volumeMounts", [])
        for mount in [m for game in games for m in game.get("volumeMounts", [])]:
            if mount["mountPath"] not in [m["mountPath"] for m in own]:
                own.append(mount)
    return container
