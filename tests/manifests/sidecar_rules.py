# SPDX-License-Identifier: Apache-2.0
"""How the command lines of gs-sidecar fit their pod and each other, which `check` cannot know."""
import os
import re
from urllib.parse import urlsplit

from calls import (SIDECAR, entrypoint, exec_call, fetched, mount_of, seconds, sources,
                   variables)
from formats import image_parts
from pod import GRACE, handlers_of, is_native

PAGES = ("/healthz", "/readyz", "/status", "/metrics", "/probes")
# Of a source that is fetched: the files that no image should have.
SECRETS = ("headers-file", "key-file", "token-file", "ssh-key-file", "password-file")
# Those of the example whose entrypoint it is have it, too.
HAS_PROGRAM = re.compile(r"gs-sidecar:.*|.*-sidecar:.*|2048:.*-(http|inotify)")


def check(calls, replicas):
    for call in calls.all:
        yield from call.messages
        yield from program_is_there(call, calls.pod)
        yield from writes_to_a_volume(call, calls.pod)
        yield from is_read_by_another(call, calls.pod)
        yield from makes_its_socket(call, calls.pod)
        yield from sees_the_process(call, calls.pod)
        yield from hook_fits(call, calls)
        yield from starts_before_the_game(call)
        yield from can_fetch(call, calls.pod)
    yield from has_a_command(calls.pod)
    yield from listeners(calls, replicas)
    yield from pages_are_answered(calls)
    yield from reload_is_answered(calls)


def program_is_there(call, pod):
    image = ":".join(image_parts(call.container.get("image", "gs-sidecar:any")))
    if call.program == "/gs-sidecar" and HAS_PROGRAM.fullmatch(image):
        return
    if not call.program.startswith("/"):
        return  # by the image's PATH
    mount = mount_of(call.container, os.path.dirname(call.program))
    for container, path in pod.inits:
        if container is call.container:
            break  # those behind it have not run yet
        install = entrypoint(container, path)
        if install and install.command == "install" and mount:
            place = mount_of(container, install.words[-1])
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


def is_read_by_another(call, pod):
    """What is published is for the game, in another container that runs beside it."""
    target = call.settings.get("target") if call.command == "run" and pod.whole else None
    mount = mount_of(call.container, target) if target else None
    beside = [c for c, _ in pod.containers if c is not call.container
              and (is_native(c) or c in pod.spec.get("containers", []))]
    seen = [m["name"] for c in beside for m in c.get("volumeMounts", [])]
    if mount and beside and mount["name"] not in seen:
        yield (f"{call.path}: --target {target} is on the volume {mount['name']}, which no other "
               "container mounts; the game would not see it")


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
    if call.settings.get("reload-process") and user_of(call, pod) is None:
        yield (f"{call.path}: the image's user, 65532, may not signal another one's process; its "
               "securityContext needs the game's runAsUser")


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


def can_fetch(call, pod):
    """What no directory is needs gs-fetch in the image, and secrets that the pod mounts."""
    wanted = fetched(call)
    if wanted and not call.fetches:
        yield (f"{call.path}: the source {wanted[0]['name']} is fetched, and its image has no "
               "gs-fetch; it has to be made with gs-sidecar-fetch")
    for source, key in ((s, k) for s in wanted for k in SECRETS if k in s):
        if pod.whole and not mount_of(call.container, source[key]):
            yield (f"{call.path}: the source {source['name']}: its {key} {source[key]} is on no "
                   "volume; a volumeMount of a Secret is missing")


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
            if resident and where in ("livenessProbe", "startupProbe"):
                yield from depends_on_itself_alone(container, handler, f"{path}.{where}")
            if resident and resident.settings and "httpGet" in handler:
                yield from page_is_answered(handler["httpGet"], resident, f"{path}.{where}")


def depends_on_itself_alone(container, handler, path):
    """kubelet kills what fails there."""
    page = handler.get("httpGet", {}).get("path", "/healthz")
    call = exec_call(container, handler, path)
    asked = call.command if call else page
    if asked in ("status", "probe") or asked == page != "/healthz":
        yield f"{path}: {asked} depends on the game; a restart mends /healthz only"


def page_is_answered(page, resident, path):
    address = resident.settings["probe-listen"] or ""
    host, _, port = address.rpartition(":")
    if not address or str(page["port"]) != port or host in ("127.0.0.1", "localhost", "[::1]"):
        yield (f"{path}: nothing answers there; `run` needs --probe-listen "
               f"0.0.0.0:{page['port']}, and has {address or 'none'}")
    if page.get("path") not in PAGES and not page.get("path", "").startswith("/probe/"):
        yield f"{path}: there is no page {page.get('path')}; there are {', '.join(PAGES)}"


def reload_is_answered(calls):
    """Where a `reloader` or `wrap` is in the pod, it is who is asked."""
    answering = {way_in(call): call for call in calls.mains.values()
                 if call and call.settings and call.command in ("reloader", "wrap")}
    asking = [c for c in calls.mains.values() if c and c.settings.get("reload-url") and answering]
    for call in asking:
        place = way_in(call)
        other = answering.get(place)
        if not other:
            there = " or ".join(" ".join(map(str, known)) for known in answering)
            yield (f"{call.path}: nobody answers at {' '.join(map(str, place))}; somebody does at "
                   f"{there}")
            continue
        url = urlsplit(call.settings["reload-url"])
        if (url.scheme, url.path) != ("http", "/reload"):
            yield (f"{call.path}: {url.scheme} and {url.path} are not answered there; right are "
                   "http and /reload")
        if place[0] != "port" and user_of(call, calls.pod) != user_of(other, calls.pod):
            yield (f"{call.path}: the socket is for one user, and it is another one's; both need "
                   "the same runAsUser")


def way_in(call):
    """("port", number), or a socket as (volume, path in it), of who asks and who answers."""
    address = call.settings.get("reload-socket") or call.settings.get("listen") or ""
    path = address.partition("unix:")[2]
    if path:
        mount = mount_of(call.container, path) or {"name": "no volume", "mountPath": ""}
        return mount["name"], path[len(mount["mountPath"].rstrip("/")):]
    if address:
        return "port", int(address.rpartition(":")[2])
    url = urlsplit(call.settings["reload-url"])
    return "port", url.port or 80


def user_of(call, pod):
    common = pod.spec.get("securityContext", {})
    return {**common, **call.container.get("securityContext", {})}.get("runAsUser")
