#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
okg: what Kruise and OpenKruiseGame make of the probes of one game server.

  okg.py --volume DIR --commands FIFO [--speed N] [--port PORT] [--set FROM=TO]... MANIFEST

MANIFEST is a GameServerSet, in YAML. Its serviceQualities are run as kruise-daemon does, and acted
on as OKG does; functions are named after those they restate, of kruise 1.9 and kruise-game after
1.0. What has no counterpart here, and what the API server would refuse, ends the program.

The downward API volume with the label game.kruise.io/gs-state is DIR. --set replaces words in
commands and environments. Periods and initial delays are N times as short, timeouts are not.

Commands come by FIFO, a line each:

  up CONTAINER [PREFIX...]   starts it, its command behind PREFIX, with its environment
  kill CONTAINER             by SIGKILL; it is down until it is started again
  state TEXT                 the label gs-state
  rewrite                    the volume anew, as it is
  scale-down                 this server is to be deleted

stdout tells what happens; DIR.json is how it stands. With --port, players are the established
connections to it: whatever lets a server with players be deleted is told as "HARM".
"""
import argparse
import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import yaml

MANIFESTS = f"{os.path.dirname(os.path.realpath(__file__))}/../manifests"
sys.path.insert(0, MANIFESTS)
import schema
from formats import is_label_value

SCHEMA = schema.read_schema(f"{MANIFESTS}/schema.yaml")
MESSAGE_MOST = 1024  # maxProbeMessageLength, of what the exec prober keeps of 10 KiB
SLOT_SECONDS = 600
TEMPLATE = re.compile(r"\{\{\s*\.Result\s*\}\}")
STATE_PATH = "metadata.labels['game.kruise.io/gs-state']"
LETS_GO = ("WaitToBeDeleted", "Kill")

lock = threading.RLock()


def tell(*words):
    print(*words, flush=True)


def check_form(what, value, kind):
    for message in schema.errors(value, SCHEMA[kind], what):
        sys.exit(message)
    return value


def players(port):
    count = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if port and os.path.exists(table):
            with open(table) as lines:
                rows = [line.split() for line in lines][1:]
            count += sum(row[3] == "01" and int(row[1].split(":")[1], 16) == port for row in rows)
    return count


class Volume:
    """pkg/volume/util/atomic_writer.go of kubelet."""

    def __init__(self, directory, name):
        self.directory, self.name, self.number = directory, name, 0
        os.makedirs(directory)

    def write(self, text):
        old = f"..{self.number}"
        self.number += 1
        new = f"..{self.number}"
        here = self.directory
        os.mkdir(f"{here}/{new}")
        with open(f"{here}/{new}/{self.name}", "w") as file:
            file.write(text)
        os.symlink(new, f"{here}/..data_tmp")
        os.rename(f"{here}/..data_tmp", f"{here}/..data")
        if self.number == 1:
            os.symlink(f"..data/{self.name}", f"{here}/{self.name}")
        shutil.rmtree(f"{here}/{old}", ignore_errors=True)


class Container:
    def __init__(self, spec, pod_name, replace):
        self.id, self.running, self.started, self.process = 1, True, time.monotonic(), None
        self.mounts = {m["name"]: m["mountPath"] for m in spec.get("volumeMounts", [])}
        self.replace = replace
        # The image's entrypoint, where the manifest has only arguments.
        self.words = spec.get("command", ["/gs-sidecar"]) + spec.get("args", [])
        self.env = {}
        for variable in spec.get("env", []):
            if "value" not in variable:
                if variable["valueFrom"] != {"fieldRef": {"fieldPath": "metadata.name"}}:
                    sys.exit(f"{variable}: no such field here")
                variable["value"] = pod_name
            value = re.sub(r"\$\((\w+)\)", lambda m: self.env.get(m[1], m[0]), variable["value"])
            self.env[variable["name"]] = value

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("GS_SIDECAR_")}
        return {**env, **{name: self.replaced(value) for name, value in self.env.items()}}

    def replaced(self, word):
        for old, new in self.replace:
            word = word.replace(old, new)
        return word

    def argv(self, words):
        return [self.replaced(word) for word in words]

    def up(self, prefix):
        self.process = subprocess.Popen(prefix + self.argv(self.words), env=self.environment(),
                                        stdin=subprocess.DEVNULL, stdout=sys.stderr)
        self.id += 1
        self.running, self.started = True, time.monotonic()

    def kill(self):
        self.running = False
        self.process.kill()
        self.process.wait()


class Worker:
    """pkg/daemon/podprobe/worker.go: one probe of one container."""

    def __init__(self, pod, quality, speed):
        self.pod, self.name = pod, quality["name"]
        self.container_name, self.command = quality["containerName"], quality["exec"]["command"]
        # The defaults of constructProbes in pkg/controllers/gameserverset; a 0 is none.
        self.timeout = quality.get("timeoutSeconds") or 5
        self.delay = (quality.get("initialDelaySeconds") or 10) / speed
        self.period = (quality.get("periodSeconds") or 3) / speed
        self.thresholds = {"Succeeded": quality.get("successThreshold") or 1,
                           "Failed": quality.get("failureThreshold") or 3}
        self.container_id = self.last = None
        self.run_length = self.count = 0

    def run(self):
        at = time.monotonic()
        while not self.pod.deleted:
            self.do_probe()
            self.count += 1
            # A ticker: missed ticks are not made up for.
            at = max(at + self.period, time.monotonic())
            time.sleep(max(0, at - time.monotonic()))

    def do_probe(self):
        container = self.pod.containers[self.container_name]
        with lock:
            if self.container_id != container.id:
                self.pod.slots.pop((self.container_name, self.container_id), None)
                self.container_id = container.id
                self.set("Unknown", "")
            if not container.running:
                self.set("Failed", f"Container({self.container_name}) is Non-running")
        if time.monotonic() - container.started < self.delay or not container.running:
            return
        ended = self.probe(container)
        if not ended:
            return  # An error: nothing is set, what was stays.
        state, message = ended
        self.run_length = self.run_length + 1 if state == self.last else 1
        self.last = state
        if self.run_length >= self.thresholds[state]:
            with lock:
                self.set(state, message)

    def probe(self, container):
        """prober.go: stdout of exit status 0, stderr of any other, the other stream is dropped."""
        try:
            process = subprocess.Popen(container.argv(self.command), env=container.environment(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            tell("exec", self.name, "cannot be started:", error)
            return None
        try:
            stdout, stderr = process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return "Failed", f"command timed out after {self.timeout}s"
        message = stderr if process.returncode else stdout
        return ("Failed" if process.returncode else "Succeeded",
                message[:MESSAGE_MOST].decode(errors="replace"))

    def set(self, state, message):
        """results_manager.go: one slot for a container, whichever probe it is."""
        slot, now = (self.container_name, self.container_id), time.monotonic()
        was = self.pod.slots.get(slot)
        if was and was[:2] == (state, message) and now - was[2] < SLOT_SECONDS:
            return
        self.pod.slots[slot] = (state, message, now)
        # node_pod_probe_controller.go: Unknown is False too.
        condition = ("True" if state == "Succeeded" else "False", message)
        if self.pod.conditions.get(self.name) != condition:
            self.pod.conditions[self.name] = condition
            tell("condition", self.name, *condition)


class Pod:
    def __init__(self, spec, arguments):
        template = spec["gameServerTemplate"]
        replace = [word.split("=", 1) for word in arguments.set]
        metadata = check_form("metadata", template.get("metadata", {}), "TemplateMetadata")
        self.labels = dict(metadata.get("labels", {}))
        self.labels["game.kruise.io/gs-state"] = "Ready"
        self.conditions, self.slots, self.deleted = {}, {}, False
        self.volume = None
        for volume in template["spec"].get("volumes", []):
            for item in volume.get("downwardAPI", {}).get("items", []):
                if item["fieldRef"] != {"fieldPath": STATE_PATH} or self.volume:
                    sys.exit(f"{item}: not known here")
                self.volume = Volume(arguments.volume, item["path"])
                state_volume = volume["name"]
        self.containers = {}
        for container in template["spec"]["containers"]:
            new = self.containers[container["name"]] = Container(container, arguments.pod, replace)
            if self.volume and state_volume in new.mounts:
                new.replace = [(new.mounts[state_volume], arguments.volume)] + replace
        if self.volume:
            self.volume.write("Ready")

    def set_state(self, state):
        self.labels["game.kruise.io/gs-state"] = state
        if self.volume:
            self.volume.write(state)
        tell("state", state)


class GameServer:
    """pkg/controllers/gameserver/gameserver_manager.go"""

    def __init__(self, spec, pod, port):
        self.qualities, self.pod, self.port = spec["serviceQualities"], pod, port
        self.hook = spec.get("lifecycle", {}).get("preDelete", {}).get("labelsHandler", {})
        self.now = {"labels": dict(pod.labels), "annotations": {}, "opsState": "None",
                    "deletionPriority": 0, "updatePriority": 0, "networkDisabled": False}
        del self.now["labels"]["game.kruise.io/gs-state"]
        self.stored, self.scaled_down, self.failure = {}, False, None

    def is_hooked(self):
        return any(self.pod.labels.get(k) == v for k, v in self.hook.items())

    def let_go(self, how):
        count = players(self.port)
        tell("HARM" if count else "free", how, "with", count, "players")

    def reconcile(self):
        try:
            self.sync_gs_to_pod()
            self.sync_pod_to_gs()
            self.failure = None
        except ValueError as error:
            if self.failure != str(error):
                tell("reconcile fails:", error)
            self.failure = str(error)
        # stateful_set_control.go, deletePod: held for as long as any label of the hook fits.
        if self.scaled_down and self.is_hooked():
            if self.pod.labels["game.kruise.io/gs-state"] != "PreDelete":
                self.pod.set_state("PreDelete")
        elif self.scaled_down:
            self.let_go("deleted")
            self.pod.deleted = True

    def sync_gs_to_pod(self):
        labels = {k: v for k, v in self.now["labels"].items() if k.startswith("gs-sync/")}
        labels["game.kruise.io/gs-opsState"] = self.now["opsState"]
        labels["game.kruise.io/gs-delete-priority"] = str(self.now["deletionPriority"])
        labels["game.kruise.io/gs-update-priority"] = str(self.now["updatePriority"])
        check_label_values(labels)
        was = self.is_hooked()
        self.pod.labels.update(labels)
        if was and not self.is_hooked():
            self.let_go("unhooked")

    def sync_pod_to_gs(self):
        new = copy.deepcopy(self.now)
        stored = {q["name"]: self.sync_quality(q, new) for q in self.qualities}
        check_label_values(new["labels"])  # the patch is refused, and the status never written
        for field in ("labels", "annotations"):
            for name, value in new[field].items():
                if self.now[field].get(name) != value:
                    tell(field[:-1], name, value)
        for field in ("opsState", "deletionPriority", "updatePriority", "networkDisabled"):
            if self.now[field] != new[field]:
                tell(field, new[field])
        if new["opsState"] in LETS_GO and self.now["opsState"] not in LETS_GO:
            self.let_go(new["opsState"])
        self.now, self.stored = new, stored

    def sync_quality(self, quality, new):
        """syncServiceQualities: only when status or result has changed, each action that fits."""
        condition = self.pod.conditions.get(quality["name"])
        if not condition:
            return None
        status, result = condition[0], condition[1].replace("|", "").replace("\n", "")
        was = self.stored.get(quality["name"])
        if was and (was[:2] == (status, result) or (was[2] and quality.get("permanent"))):
            return status, result, was[2]
        acted = False
        for action in quality["serviceQualityAction"]:
            if action["state"] == (status == "True") and action.get("result", "") in ("", result):
                self.act(action, result, new)
                acted = True
        return status, result, acted

    def act(self, action, result, new):
        for field in ("labels", "annotations"):
            for name, value in action.get(field, {}).items():
                new[field][name] = render(value, result)
        if action.get("opsState"):
            new["opsState"] = render(action["opsState"], result)
        if "networkDisabled" in action:
            new["networkDisabled"] = action["networkDisabled"]
        for field in ("deletionPriority", "updatePriority"):
            if field in action:
                try:
                    new[field] = int(render(str(action[field]), result))
                except ValueError:
                    tell("event: invalid", field, result)  # the field stays as it was


def render(text, result):
    """pkg/util/template.go, without its functions."""
    return TEMPLATE.sub(lambda match: result, text)


def check_label_values(labels):
    for name, value in labels.items():
        if not is_label_value(value):
            raise ValueError(f"label {name}: {value!r}")


def check_qualities(qualities, containers):
    for quality in qualities:
        what = f"serviceQuality {quality.get('name')}"
        check_form(what, quality, "ServiceQuality")
        if "exec" not in quality:
            sys.exit(f"{what}: other handlers than exec are not run here")
        if quality["containerName"] not in containers:
            sys.exit(f"{what}: there is no such container")
        for action in quality["serviceQualityAction"]:
            texts = [*action.get("labels", {}).values(), *action.get("annotations", {}).values(),
                     *(str(value) for value in action.values())]
            for text in texts:
                if "{{" in TEMPLATE.sub("", text):
                    sys.exit(f"{what}: {text}: not rendered here")


def obey(line, pod, game_server):
    word, *rest = line.split()
    if word == "up":
        pod.containers[rest[0]].up(rest[1:])
    elif word == "kill":
        pod.containers[rest[0]].kill()
    elif word == "state":
        pod.set_state(" ".join(rest))
    elif word == "rewrite":
        pod.volume.write(pod.labels["game.kruise.io/gs-state"])
    elif word == "scale-down":
        game_server.scaled_down = True
    else:
        tell("what is", word)
        os._exit(2)


def take_commands(path, pod, game_server):
    with open(path) as lines:
        for line in lines:
            with lock:
                obey(line, pod, game_server)


def write_status(path, pod, game_server, workers):
    status = {**game_server.now, "pod": pod.labels, "deleted": pod.deleted,
              "probes": min(w.count for w in workers), "players": players(game_server.port),
              "conditions": {k: " ".join(v).strip() for k, v in pod.conditions.items()},
              "pids": {k: c.process.pid for k, c in pod.containers.items() if c.process},
              "env": {k: c.env for k, c in pod.containers.items()}}
    with open(f"{path}.new", "w") as file:
        json.dump(status, file)
    os.rename(f"{path}.new", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--volume", required=True)
    parser.add_argument("--commands", required=True)
    parser.add_argument("--speed", type=float, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pod", default="postio-0")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("manifest")
    arguments = parser.parse_args()
    with open(arguments.manifest) as file:
        spec = yaml.safe_load(file)["spec"]
    pod = Pod(spec, arguments)
    check_qualities(spec["serviceQualities"], pod.containers)
    game_server = GameServer(spec, pod, arguments.port)
    workers = [Worker(pod, quality, arguments.speed) for quality in spec["serviceQualities"]]
    for run in [worker.run for worker in workers]:
        threading.Thread(target=run, daemon=True).start()
    threading.Thread(target=take_commands, args=(arguments.commands, pod, game_server),
                     daemon=True).start()
    while True:
        with lock:
            if not pod.deleted:
                game_server.reconcile()
            write_status(f"{arguments.volume}.json", pod, game_server, workers)
        time.sleep(0.05)


main()
