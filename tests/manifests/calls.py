# SPDX-License-Identifier: Apache-2.0
"""The command lines of gs-sidecar in a pod, and what `gs-sidecar check` says of each."""
import os
import platform
import re
import subprocess

from documents import CONFIG, FETCH, read_json
from formats import image_parts
from pod import REFERENCE, handlers_of

HERE = os.path.dirname(os.path.realpath(__file__))
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PROGRAM = os.environ.get("GS_SIDECAR",
                         f"{HERE}/../../build/{ARCHITECTURES.get(platform.machine())}/gs-sidecar")
FETCH_PROGRAM = os.environ.get("GS_FETCH", f"{os.path.dirname(PROGRAM)}/gs-fetch")
ROW = re.compile(r'(\S+) +(.*?) +(default|--\S+|GS_SIDECAR_\w+|.+: "\S+")')
SIDECAR = re.compile(r"gs-sidecar|.*-sidecar")
WAY_OF_CHECK = "more than one probe"  # okg_rules.py knows in which containers they are


class Call:
    """
    words: behind the program's name; settings: by name, None where not set, {} where refused;
    config: the file that it reads; fetches: whether its image has gs-fetch.
    """

    def __init__(self, container, path, words, program):
        self.container, self.path, self.words, self.program = container, path, words, program
        self.command = words[0] if words else ""
        self.settings, self.messages, self.config, self.fetches = {}, [], None, False


def run(*words, env=None):
    return subprocess.run([PROGRAM, *words], env=env or {}, text=True, capture_output=True,
                          check=False)


def variables(container):
    """The environment as kubelet makes it; what it takes from elsewhere is "x"."""
    env = {}
    for variable in container.get("env", []):
        env[variable["name"]] = expand(variable.get("value", "x"), env)
    return env


def expand(text, env):
    return REFERENCE.sub(lambda match: env.get(match[1], match[0]), text)


def ask_check(call, configs):
    """Fills in settings and messages."""
    env = variables(call.container)
    words = [expand(word, env) for word in call.words]
    place = env.pop("GS_SIDECAR_CONFIG", CONFIG)
    if "--config" in words:
        at = words.index("--config")
        place = words[at + 1]
        del words[at:at + 2]
    if place in configs and is_users_image(call.container):
        call.config = env["GS_SIDECAR_CONFIG"] = configs[place]
        call.fetches = FETCH in configs
    elif place != CONFIG:
        call.messages.append(f"{call.path}: no Containerfile copies {place} into the image")
    # Whether the image has it is for sidecar_rules.py.
    result = run("check", *words, env={**env, "GS_SIDECAR_FETCH_PROGRAM": FETCH_PROGRAM})
    lines = result.stderr.strip().split("\n") if result.stderr else []
    call.messages += [f"{call.path}: {line}; gs-sidecar check has to have nothing to say"
                      for line in lines if WAY_OF_CHECK not in line]
    if result.returncode == 0:
        rows = [ROW.fullmatch(line) for line in result.stdout.splitlines()]
        call.settings = {row[1]: None if row[2] == "-" else row[2] for row in rows}


def is_users_image(container):
    """Not the game's, and not the base. A part of a container may be of any."""
    name, _ = image_parts(container.get("image", "any-sidecar"))
    return SIDECAR.fullmatch(name) and name != "gs-sidecar"


def is_ours(word):
    return os.path.basename(word) == "gs-sidecar"


def entrypoint(container, path):
    """The call that the container is, or None: it is another program's."""
    command, args = container.get("command"), container.get("args", [])
    name, _ = image_parts(container.get("image", ""))
    if command and is_ours(command[0]):
        return Call(container, f"{path}.command", command[1:] + args, command[0])
    if not command and args and SIDECAR.fullmatch(name):
        return Call(container, f"{path}.args", args, "/gs-sidecar")
    return None


def exec_call(container, handler, path):
    words = handler.get("exec", {}).get("command") or [""]
    if is_ours(words[0]):
        return Call(container, f"{path}.exec.command", words[1:], words[0])
    return None


class Calls:
    """All of a pod. qualities: (serviceQuality, path) of OKG that ask in it."""

    def __init__(self, pod, qualities, configs):
        self.pod = pod
        self.mains = {c.get("name"): entrypoint(c, path) for c, path in pod.containers}
        self.handlers = [exec_call(c, h, f"{path}.{where}") for c, path in pod.containers
                         for h, where in handlers_of(c)]
        self.probes = {path: exec_call(pod.container(q["containerName"]) or {}, q, path)
                       for q, path in qualities if "containerName" in q}
        every = [*self.mains.values(), *self.handlers, *self.probes.values()]
        self.all = [call for call in every if call]
        for call in self.all:
            ask_check(call, configs)

    def resident(self, container):
        """The `run` of a container."""
        call = self.mains.get(container.get("name"))
        return call if call and call.command == "run" else None


def sources(call):
    """Of the probes in its configuration, if that could be read."""
    return read_json(call.config).get("probe-source", []) if call.config and call.settings else []


def fetched(call):
    """The sources that are no directories."""
    wanted = call.config and call.settings and call.command in ("run", "sync")
    return [s for s in read_json(call.config).get("source", []) if isinstance(s, dict)] \
        if wanted else []


def mount_of(container, path):
    """The volumeMount that a path is on, the deepest one."""
    mounts = [m for m in container.get("volumeMounts", [])
              if f"{path}/".startswith(m["mountPath"].rstrip("/") + "/")]
    return max(mounts, key=lambda m: len(m["mountPath"]), default=None)


def seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]
