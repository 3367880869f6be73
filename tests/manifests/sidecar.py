# SPDX-License-Identifier: Apache-2.0
"""The command lines of gs-sidecar in a pod: as `gs-sidecar check` reads them, and as they fit."""
import functools
import os
import re
import subprocess
from urllib.parse import urlsplit

from documents import CONFIG, read_json
from formats import image_parts
from pod import GRACE, REFERENCE, handlers_of

HERE = os.path.dirname(os.path.realpath(__file__))
PROGRAM = os.environ.get("GS_SIDECAR", f"{HERE}/../../build/gs-sidecar")
# Flags of these commands may drop it; those of `check` may not.
PREFIXES = {"probe": "probe-", "reload": "reload-", "reloader": "reload-", "wrap": "reload-"}
ROW = re.compile(r'(\S+) +(.*?) +(default|--\S+|GS_SIDECAR_\w+|.+: "\S+")')
PAGES = ("/healthz", "/readyz", "/status", "/metrics", "/probes")
SIDECAR = re.compile(r"gs-sidecar|.*-sidecar")
# Those of the example whose entrypoint it is have it, too.
HAS_PROGRAM = re.compile(r"gs-sidecar:.*|.*-sidecar:.*|2048:.*-(http|inotify)")
WAY_OF_CHECK = "more than one probe"  # okg_rules.py knows in which containers they are


class Call:
    """
    words: behind the program's name; settings: by name, None where not set, {} where refused;
    config: the file that it reads.
    """

    def __init__(self, container, path, words, program):
        self.container, self.path, self.words, self.program = container, path, words, program
        self.command = words[0] if words else ""
        self.settings, self.messages, self.config = {}, [], None


def run(*words, env=None):
    return subprocess.run([PROGRAM, *words], env=env or {}, text=True, capture_output=True,
                          check=False)


@functools.lru_cache(None)
def commands_of_settings():
    """By a setting's name, the commands that have it."""
    sections = run("help", "settings").stdout.split("\n### ")[1:]
    return {text.partition("\n")[0]: text.rpartition(" | ")[2] for text in sections}


def variables(container):
    """The environment as kubelet makes it; what it takes from elsewhere is "x"."""
    env = {}
    for variable in container.get("env", []):
        env[variable["name"]] = expand(variable.get("value", "x"), env)
    return env


def expand(text, env):
    return REFERENCE.sub(lambda match: env.get(match[1], match[0]), text)


def full_flags(words):
    """The words with flags by their whole names, up to a `--`."""
    end = words.index("--") if "--" in words else len(words)
    return [full_flag(word, words[0]) for word in words[:end]] + words[end:]


def full_flag(word, command):
    name = word[2:].partition("=")[0] if word.startswith("--") else ""
    full = PREFIXES.get(command, "") + name
    has = commands_of_settings()
    if name and f"`{command}`" not in has.get(name, "") and f"`{command}`" in has.get(full, ""):
        return f"--{full}{word[2 + len(name):]}"
    return word


def ask_check(call, configs):
    """Fills in settings and messages."""
    env = variables(call.container)
    words = [expand(word, env) for word in full_flags(call.words)]
    place = env.pop("GS_SIDECAR_CONFIG", CONFIG)
    if "--config" in words:
        at = words.index("--config")
        place = words[at + 1]
        del words[at:at + 2]
    if place in configs:
        call.config = env["GS_SIDECAR_CONFIG"] = configs[place]
    elif place != CONFIG:
        call.messages.append(f"{call.path}: no Containerfile copies {place} into the image")
    result = run("check", *words, env=env)
    lines = result.stderr.strip().split("\n") if result.stderr else []
    call.messages += [f"{call.path}: {line}; gs-sidecar check has to have nothing to say"
                      for line in lines if WAY_OF_CHECK not in line]
    if result.returncode == 0:
        rows = [ROW.fullmatch(line) for line in result.stdout.splitlines()]
        call.settings = {row[1]: None if row[2] == "-" else row[2] for row in rows}


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
    words = handler.get("exec", {}).get("command", [""])
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


def check(calls, replicas):
    for call in calls.all:
        yield from call.messages
        yield from program_is_there(call, calls.pod)
        yield from writes_to_a_volume(call, calls.pod)
        yield from makes_its_socket(call, calls.pod)
        yield from sees_the_process(call, calls.pod)
        yield from hook_fits(call, calls)
        yield from starts_before_the_game(call)
    yield from has_a_command(calls.pod)
    yield from listeners(calls, replicas)
    yield from pages_are_answered(calls)
    yield from reload_is_answered(calls)


def mount_of(container, path):
    """The volumeMount that a path is on, the deepest one."""
    mounts = [m for m in container.get("volumeMounts", [])
              if f"{path}/".startswith(m["mountPath"].rstrip("/") + "/")]
    return max(mounts, key=lambda m: len(m["mountPath"]), default=None)


def program_is_there(call, pod):
    image = ":".join(image_parts(call.container.get("image", "gs-sidecar:any")))
    if call.program == "/gs-sidecar" and HAS_PROGRAM.fullmatch(image):
        return
    if not call.program.startswith("/"):
        return  # by the image's PATH
    mount = mount_of(call.container, os.path.dirname(call.program))
    for container, path in pod.inits:
        install = entrypoint(container, path)
        if install and install.command == "install" and mount:
            place = mount_of(container, install.words[1])
            if place and place["name"] == mount["name"] and \
                    os.path.dirname(call.program) == mount["mountPath"].rstrip("/"):
                return
    if pod.whole:
        yield (f"{call.path}: {call.program} is not in {call.container['image']}; an init "
               "container has to `install` it into a volume that both mount")


def writes_to_a_volume(call, pod):
    if call.command not in ("run", "sync") or not pod.whole:
        return
    for name in ("target", "state"):
        path = call.settings.get(name)
        mount = mount_of(call.container, path) if path else None
        if path and not mount:
            yield (f"{call.path}: --{name} {path} is on no volume; a volumeMount for it, or for "
                   "what it is in, is missing")
        elif mount and mount.get("readOnly"):
            yield f"{call.path}: --{name} {path} is mounted readOnly; it has to be written"


def makes_its_socket(call, pod):
    for name in ("control", "listen"):
        path = (call.settings.get(name) or "").partition("unix:")[2]
        mount = mount_of(call.container, path)
        root = call.container.get("securityContext", {}).get("readOnlyRootFilesystem")
        if path and pod.whole and (mount.get("readOnly") if mount else root):
            yield f"{call.path}: --{name} unix:{path} is on nothing that can be written"


def has_a_command(pod):
    """The program does nothing without one; other images bring theirs."""
    for container, path in pod.containers:
        name, _ = image_parts(container.get("image", ""))
        if SIDECAR.fullmatch(name) and not container.get("command") and not container.get("args"):
            yield f"{path}.args: it is missing; right is run and its flags"


def sees_the_process(call, pod):
    """Those of another container, which is where the game is."""
    if call.command != "run" or len(pod.ordinary) < 2:
        return
    wanted = [call.settings.get("reload-process"), call.settings.get("prove-process"),
              *(s.get("process") for s in sources(call))]
    wanted = [w for w in wanted if w]
    if wanted and not pod.spec.get("shareProcessNamespace"):
        yield (f"{call.path}: the process {wanted[0]} of another container cannot be seen; the pod "
               "needs shareProcessNamespace: true")
    user = {**pod.spec.get("securityContext", {}), **call.container.get("securityContext", {})}
    if call.settings.get("reload-process") and "runAsUser" not in user:
        yield (f"{call.path}: the image's user, 65532, may not signal another one's process; its "
               "securityContext needs the game's runAsUser")


def sources(call):
    """Of the probes in its configuration, if that could be read."""
    return read_json(call.config).get("probe-source", []) if call.config and call.settings else []


def seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def hook_fits(call, calls):
    if call.command != "hook" or not call.settings:
        return
    if "post-start" in call.words and not calls.resident(call.container):
        yield f"{call.path}: there is no `run` in this container, for which it would wait"
    grace = calls.pod.spec.get("terminationGracePeriodSeconds", GRACE)
    # Half a second is for the last words.
    if "pre-stop" in call.words and seconds(call.settings["deadline"]) + 0.5 >= grace:
        yield (f"{call.path}: its deadline of {call.settings['deadline']} is not before "
               f"terminationGracePeriodSeconds, {grace}; make the one shorter or the other longer")


def starts_before_the_game(call):
    """Kruise starts the others when those with a higher priority are ready."""
    priority = variables(call.container).get("KRUISE_CONTAINER_PRIORITY", "0")
    reloads = [call.settings.get(name) for name in ("reload-url", "reload-signal", "trigger")]
    if call.command == "run" and int(priority) > 0 and any(reloads):
        yield (f"{call.path}: it is ready when the game has reloaded, and by "
               "KRUISE_CONTAINER_PRIORITY the game starts when it is ready; leave one of them out")


def tcp_listeners(calls):
    """(port, call): where our programs listen."""
    for call in calls.mains.values():
        for name in ("probe-listen", "control", "listen"):
            address = call.settings.get(name) if call else None
            if address and not address.startswith("unix:"):
                yield int(address.rpartition(":")[2]), call


def listeners(calls, replicas):
    pod = calls.pod
    taken = {p["containerPort"]: path for c, path in pod.ordinary for p in c.get("ports", [])}
    on_host = pod.spec.get("hostNetwork") and replicas != 1
    for port, call in tcp_listeners(calls):
        # It may be said in `ports`, too.
        if port in taken and not call.path.startswith(f"{taken[port]}."):
            yield (f"{call.path}: port {port} is {taken[port]}'s; all containers of a pod share "
                   "its network")
        if on_host:
            yield (f"{call.path}: with hostNetwork a second server on the node cannot listen on "
                   f"port {port}; use unix sockets and exec probes")
        taken[port] = call.path.rpartition(".")[0]


def pages_are_answered(calls):
    """kubelet asks at the pod's address."""
    for container, path in calls.pod.containers:
        resident = calls.resident(container)
        for handler, where in handlers_of(container):
            if resident and resident.settings and "httpGet" in handler:
                yield from page_is_answered(handler["httpGet"], resident, f"{path}.{where}")


def page_is_answered(page, resident, path):
    if path.endswith("livenessProbe") and page.get("path") != "/healthz":
        yield f"{path}: {page.get('path')} depends on the game; a restart mends /healthz only"
    address = resident.settings["probe-listen"] or ""
    host, _, port = address.rpartition(":")
    if not address or str(page["port"]) != port or host in ("127.0.0.1", "localhost", "[::1]"):
        yield (f"{path}: nothing answers there; `run` needs --probe-listen "
               f"0.0.0.0:{page['port']}, and has {address or 'none'}")
    if page.get("path") not in PAGES and not page.get("path", "").startswith("/probe/"):
        yield f"{path}: there is no page {page.get('path')}; there are {', '.join(PAGES)}"


def reload_is_answered(calls):
    """Where a `reloader` or `wrap` is in the pod, it is who is asked."""
    ports = [port for port, call in tcp_listeners(calls) if call.command in ("reloader", "wrap")]
    for call in calls.mains.values():
        url = call.settings.get("reload-url") if call else None
        if not url or not ports:
            continue
        if urlsplit(url).port not in ports:
            yield f"{call.path}: nobody answers {url}; there is a reload at port {ports[0]}"
