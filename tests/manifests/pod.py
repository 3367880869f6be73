# SPDX-License-Identifier: Apache-2.0
"""
What Kubernetes asks of a pod beyond its fields (pkg/apis/core/validation), and what it takes but
does not work. Each function is a rule; it says `path: what is wrong; what would be right`.
"""
import re

from formats import image_parts, quantity

HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
SOURCES = ("emptyDir", "downwardAPI", "configMap", "secret", "hostPath", "persistentVolumeClaim")
SUBSCRIPT = r"metadata\.(labels|annotations)\['[^']+'\]"
OF_VOLUMES = re.compile(rf"metadata\.(name|namespace|uid|labels|annotations)|{SUBSCRIPT}")
OF_VARIABLES = re.compile(r"metadata\.(name|namespace|uid)|spec\.(nodeName|serviceAccountName)|"
                          rf"status\.(hostIPs?|podIPs?)|{SUBSCRIPT}")
REFERENCE = re.compile(r"(?<!\$)(?:\$\$)*\$\((\w+)\)")
GRACE = 30  # terminationGracePeriodSeconds, where it is not set


class Pod:
    """
    A pod's spec, or what a document has of it. whole: nothing is missing, so what is not there is
    wrong; template: the metadata beside it.
    """

    def __init__(self, spec, path, whole, template=None):
        self.spec, self.whole, self.template = spec, whole, template or {}
        self.path = f"{path}." if path else ""
        self.volumes = spec.get("volumes", [])
        self.ordinary = self.numbered("containers")
        self.inits = self.numbered("initContainers")
        self.containers = self.inits + self.ordinary

    def numbered(self, field):
        return [(c, f"{self.path}{field}[{i}]") for i, c in enumerate(self.spec.get(field, []))]

    def container(self, name):
        return next((c for c, _ in self.containers if c.get("name") == name), None)

    def volume(self, name):
        return next((v for v in self.volumes if v["name"] == name), None)


def is_native(container):
    """A native sidecar, of those in initContainers."""
    return container.get("restartPolicy") == "Always"


def check(pod):
    for rule in (names, volumes, mounts, ports, images, environment, handlers, init_containers,
                 security, resources, memory_volumes, whole_pod):
        yield from rule(pod)


def twice(values):
    seen = set()
    return [v for v in values if v in seen or seen.add(v)]


def names(pod):
    for name in twice(c.get("name") for c, _ in pod.containers if "name" in c):
        yield f"{pod.path}containers: {name} is there twice; each needs a name of its own"
    for name in twice(v["name"] for v in pod.volumes):
        yield f"{pod.path}volumes: {name} is there twice; each needs a name of its own"


def volumes(pod):
    for i, volume in enumerate(pod.volumes):
        path = f"{pod.path}volumes[{i}]"
        sources = [s for s in SOURCES if s in volume]
        if len(sources) != 1:
            yield (f"{path}: {volume['name']} has {len(sources)} sources; it needs one of "
                   f"{', '.join(SOURCES)}")
        for item in volume.get("downwardAPI", {}).get("items", []):
            field = item["fieldRef"]["fieldPath"]
            if not OF_VOLUMES.fullmatch(field):
                yield (f"{path}.downwardAPI: {field} is no field of a volume; right is "
                       "metadata.labels['KEY'] and the like")
        used = {m["name"] for c, _ in pod.containers for m in c.get("volumeMounts", [])}
        if pod.whole and volume["name"] not in used:
            yield f"{path}: no container mounts {volume['name']}; a volumeMount is missing"


def mounts(pod):
    known = {v["name"] for v in pod.volumes}
    for container, path in pod.containers:
        own = container.get("volumeMounts", [])
        for i, mount in enumerate(own):
            # What is injected may mount what the pod has.
            free = not pod.whole or container.get("shareVolumePolicy", {}).get("type") == "enabled"
            if mount["name"] not in known and not free:
                yield (f"{path}.volumeMounts[{i}]: there is no volume {mount['name']}; there are "
                       f"{', '.join(sorted(known)) or 'none'}")
        for place in twice(m["mountPath"].rstrip("/") for m in own):
            yield f"{path}.volumeMounts: {place} is mounted twice; each needs a path of its own"


def ports(pod):
    numbers, port_names = [], []
    for container, path in pod.containers:
        for port in container.get("ports", []):
            numbers.append((port["containerPort"], port.get("protocol", "TCP")))
            if "name" in port:
                port_names.append((port["name"], container["name"]))
            host = port.get("hostPort", port["containerPort"])
            if pod.spec.get("hostNetwork") and host != port["containerPort"]:
                yield (f"{path}.ports: hostPort {host} differs from containerPort with "
                       "hostNetwork; leave it out")
    for number, protocol in twice(numbers):
        yield (f"{pod.path}containers: port {number}/{protocol} is there twice; all containers of "
               "a pod share its network")
    for name, container in twice(port_names):
        yield f"{pod.path}containers: {container} has two ports called {name}; rename one"


def images(pod):
    for container, path in pod.containers:
        _, tag = image_parts(container.get("image", "x:v1"))
        if tag in ("", "latest") and "@" not in container["image"] and \
                "imagePullPolicy" not in container:
            yield (f"{path}.image: {container['image']} has no version, and no imagePullPolicy "
                   "says when it is pulled; write a version as its tag")


def environment(pod):
    for container, path in pod.containers:
        defined = []
        for variable in container.get("env", []):
            here = f"{path}.env.{variable['name']}"
            if ("value" in variable) == ("valueFrom" in variable):
                yield f"{here}: it needs either value or valueFrom"
            field = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            if field and not OF_VARIABLES.fullmatch(field):
                yield (f"{here}: {field} is no field of a variable; right is metadata.name, "
                       "status.podIP and the like")
            for name in REFERENCE.findall(variable.get("value", "")):
                if name not in defined:
                    yield f"{here}: $({name}) stays as it is; define {name} before it"
            defined.append(variable["name"])
        for name in twice(defined):
            yield f"{path}.env: {name} is there twice; leave one of them"
        for word in container.get("command", []) + container.get("args", []):
            for name in REFERENCE.findall(word):
                if name not in defined:
                    yield f"{path}.args: $({name}) stays as it is; define {name} in env"


def handlers_of(container):
    """(handler, path in the container)"""
    for name in ("postStart", "preStop"):
        if name in container.get("lifecycle", {}):
            yield container["lifecycle"][name], f"lifecycle.{name}"
    for name in PROBES:
        if name in container:
            yield container[name], name


def handlers(pod):
    known = {p["name"] for c, _ in pod.ordinary for p in c.get("ports", []) if "name" in p}
    for container, path in pod.containers:
        for handler, where in handlers_of(container):
            yield from one_handler(handler, f"{path}.{where}", known)
        for name in ("livenessProbe", "startupProbe"):
            if container.get(name, {}).get("successThreshold", 1) != 1:
                yield f"{path}.{name}.successThreshold: it has to be 1"


def one_handler(handler, path, port_names):
    there = [h for h in HANDLERS if h in handler]
    if len(there) != 1:
        yield (f"{path}: it has {len(there)} handlers; right is exactly one of "
               f"{', '.join(HANDLERS)}")
    command = handler.get("exec", {}).get("command", ["/"])
    if not command:
        yield f"{path}.exec.command: it is empty; write the program and its words"
    elif not command[0].startswith("/"):
        yield (f"{path}.exec.command: {command[0]} depends on the image's PATH and working "
               "directory; write the program's whole path")
    for name in ("httpGet", "tcpSocket"):
        port = handler.get(name, {}).get("port")
        if isinstance(port, str) and port not in port_names:
            yield f"{path}.{name}.port: no container has a port called {port}; write its number"
    path_asked = handler.get("httpGet", {}).get("path", "/")
    if not path_asked.startswith("/"):
        yield f"{path}.httpGet.path: {path_asked} has to begin with /"


def init_containers(pod):
    for container, path in pod.inits:
        if is_native(container):
            continue
        for name in ("lifecycle", *PROBES):
            if name in container:
                yield (f"{path}.{name}: an init container has none; as a native sidecar it needs "
                       "restartPolicy: Always")


def security(pod):
    common = pod.spec.get("securityContext", {})
    for container, path in pod.containers:
        own = container.get("securityContext", {})
        both = {**common, **own}
        path += ".securityContext"
        if both.get("runAsNonRoot") and both.get("runAsUser") == 0:
            yield f"{path}: runAsNonRoot and runAsUser 0 contradict each other"
        capabilities = own.get("capabilities", {})
        for name in capabilities.get("add", []) + capabilities.get("drop", []):
            if name.startswith("CAP_") or name != name.upper():
                yield f"{path}.capabilities: {name} is none; right is capital letters without CAP_"
        gains = own.get("privileged") or "SYS_ADMIN" in capabilities.get("add", [])
        if gains and own.get("allowPrivilegeEscalation") is False:
            yield (f"{path}: privileged or SYS_ADMIN and allowPrivilegeEscalation: false "
                   "contradict each other")


def resources(pod):
    for container, path in pod.containers:
        limits = container.get("resources", {}).get("limits", {})
        for name, amount in container.get("resources", {}).get("requests", {}).items():
            if name in limits and quantity(amount) > quantity(limits[name]):
                yield (f"{path}.resources: {name}: the request {amount} is more than the limit "
                       f"{limits[name]}")


def memory_volumes(pod):
    """What a container writes there counts as its own memory."""
    for container, path in pod.containers:
        limit = container.get("resources", {}).get("limits", {}).get("memory")
        for mount in container.get("volumeMounts", []):
            source = (pod.volume(mount["name"]) or {}).get("emptyDir", {})
            if not limit or source.get("medium") != "Memory" or mount.get("readOnly"):
                continue
            size = source.get("sizeLimit")
            if not size or quantity(size) >= quantity(limit):
                yield (f"{path}.resources: the volume {mount['name']} is memory of up to "
                       f"{size or 'any size'}, and counts to the limit {limit}; make that larger")


def whole_pod(pod):
    if pod.whole and not pod.ordinary:
        yield f"{pod.path}containers: there is none; a pod needs one"
    if pod.spec.get("restartPolicy", "Always") != "Always":
        yield f"{pod.path}restartPolicy: game servers are restarted; leave it out"
    if pod.spec.get("hostNetwork") and pod.spec.get("dnsPolicy", "ClusterFirst") == "ClusterFirst":
        yield (f"{pod.path}dnsPolicy: with hostNetwork the cluster's names are not found; write "
               "ClusterFirstWithHostNet, or Default")
