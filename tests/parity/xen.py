# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Xen guest of the lab behind memd, as a machine for the cases. Runs in the lab's dom0; memd is running."""

import os
import re
import socket
import subprocess
import time

from machine import FILL, LOADS, Machine, Unavailable, Watcher
from talk import MIB
from xenbus import Xenbus

SOCKETS = "/run/xl-ext/qmp/"
BOOT_TIMEOUT = 700
STATS_NODE = "data/memory-stats"

# What a guest could write instead of a report.
HOSTILE = {
    "words": b"free-memory plenty\ntotal-memory 1x\nmany words here\n",
    "negative": b"free-memory -1\ntotal-memory -4096\n",
    "huge": b"free-memory 99999999999999999999999999\ntotal-memory 18446744073709551616\n",
    "binary": bytes(range(256)) * 4,
    "long": b"free-memory " + b"9" * 1900 + b"\n",
    "many-lines": b"free-memory 1\n" * 140,
    "empty": b"",
    "repeated": b"free-memory 4096\nfree-memory 8192\n",
}

# (node below memory/, what is written instead; None: it is removed)
DISORDER = {
    "target-words": ("target", b"many words"),
    "target-empty": ("target", b""),
    "target-negative": ("target", b"-5"),
    "target-huge": ("target", b"99999999999999999999"),
    "target-removed": ("target", None),
    "static-max-words": ("static-max", b"words"),
    "static-max-removed": ("static-max", None),
    "videoram-minus-one": ("videoram", b"-1"),
    "videoram-removed": ("videoram", None),
}


def run(*command, timeout=BOOT_TIMEOUT):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
    if done.returncode:
        raise RuntimeError("%s: %d %s" % (" ".join(command), done.returncode, done.stderr.decode(errors="replace")))
    return done.stdout.decode(errors="replace")


class Xen(Machine):
    """guest_type: pv, pvh or hvm."""

    def __init__(self, guest_type, folder, ram_mib=256):
        self.kind = "xen-" + guest_type
        self.guest_type = guest_type
        self.guest_name = "parity-" + guest_type
        self.folder = folder
        self.ram_mib = ram_mib
        self.scenario = None
        self.watcher = None
        self.xenbus = Xenbus()
        self.saved = {}  # node -> value, while in disorder
        self.storm = None
        self.reporter = True
        self.background = None
        os.makedirs(folder, exist_ok=True)

    # the guest's life

    def remove(self):
        if self.watcher:
            self.watcher.close()
            self.watcher = None
        if self.background:
            self.background.wait()
            self.background = None
        subprocess.run(["xl", "destroy", self.guest_name], capture_output=True)
        self.wait(lambda: not os.path.exists(SOCKETS + self.guest_name), 60, "the old socket to vanish")

    close = remove

    def is_gone(self):
        return subprocess.run(["xl", "domid", self.guest_name], capture_output=True).returncode != 0

    def wait(self, wanted, timeout, what):
        end = time.monotonic() + timeout
        while not wanted():
            if time.monotonic() > end:
                raise RuntimeError("waited %d s for %s" % (timeout, what))
            time.sleep(0.1)

    def found(self):
        """The guest has been made: what must be known of it."""
        self.wait(lambda: os.path.exists(SOCKETS + self.guest_name), 60, "the socket")
        self.domid = int(run("xl", "domid", self.guest_name))
        self.watcher = Watcher(self)
        self.ram = self.watcher.client.silent("query-memory-size-summary")["return"]["base-memory"]
        self.reporter = True

    def create_command(self):
        size = str(self.ram_mib)
        lines = ['on_reboot="restart"', 'on_crash="destroy"']
        return ["lab-guest", "create", "--agent", self.guest_type, self.guest_name, size, size] + lines

    def start(self):
        self.remove()
        run(*self.create_command())
        self.found()
        self.know_target()

    def know_target(self):
        """The driver counts differently on each type of guest: remember what full size is to it."""
        self.watcher.settle()
        self.full_kb = int(self.guest("cat /sys/devices/system/xen_memory/xen_memory0/target_kb"))

    def start_paused(self):
        """A guest whose kernel has not run yet has no driver."""
        config = "/run/lab-guest/%s.cfg" % self.guest_name
        if not os.path.exists(config):
            run(*self.create_command())
        self.remove()
        run("xl", "create", "-q", "-p", config)
        self.found()

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        # A guest that reboots comes back as another domain, with a socket of its own.
        self.wait(lambda: os.path.exists(SOCKETS + self.guest_name), 60, "the socket")
        sock.connect(SOCKETS + self.guest_name)
        return sock

    def guest(self, line, timeout=60):
        # A blank makes lab-guest give it to the guest's shell.
        return run("lab-guest", "exec", "--timeout", str(timeout), self.guest_name, line + " ", timeout=timeout + 30)

    # scenarios

    def enter(self, scenario):
        if scenario != self.scenario and not (scenario == "wire" and self.scenario == "full"):
            if scenario == "driverless":
                self.start_paused()
            else:
                self.start()
            if scenario == "deviceless":
                self.disorder("target-removed")
        self.scenario = scenario
        if scenario in ("wire", "full"):
            if not self.reporter:
                self.start_reporter()
            self.watcher.settle()

    def spoiled(self):
        self.scenario = None
        if self.storm:
            self.order("record-storm")
        self.saved = {}

    # actions

    def restart(self):
        self.remove()
        self.background = subprocess.Popen(self.create_command(), stdin=subprocess.DEVNULL)
        self.found()

    def wait_driver(self):
        if self.background.wait():
            raise RuntimeError("the guest did not boot")
        self.background = None

    def pause(self):
        run("xl", "pause", self.guest_name)

    def resume(self):
        run("xl", "unpause", self.guest_name)

    load_driver = resume

    def guest_sets(self, actual):
        kb = self.full_kb - (self.ram - actual) // 1024
        self.guest("echo %d > /sys/devices/system/xen_memory/xen_memory0/target_kb" % kb)

    def guest_works(self):
        self.guest("dd if=/dev/zero of=/tmp/work bs=1M count=16 2> /dev/null; rm /tmp/work")

    def guest_load(self, load):
        self.guest(LOADS[load], 120)

    def agent_says(self):
        return self.guest("xl-ext-agent --print")

    def fill(self, leave, seconds):
        self.guest(FILL % (leave // MIB, seconds), 120)

    def reboot(self):
        subprocess.Popen(["lab-guest", "exec", "--timeout", "5", self.guest_name, "reboot", "-f"])

    def power_off(self):
        subprocess.Popen(["lab-guest", "exec", "--timeout", "5", self.guest_name, "poweroff", "-f"])

    def destroy(self):
        run("xl", "destroy", self.guest_name)

    def save_and_restore(self):
        state = os.path.join(self.folder, "state")
        self.watcher.close()
        run("xl", "save", self.guest_name, state)
        run("xl", "restore", state)
        os.unlink(state)
        self.found()

    # statistics

    def stop_reporter(self):
        self.guest("killall xl-ext-agent")
        self.reporter = False

    def start_reporter(self):
        self.guest("setsid xl-ext-agent < /dev/null > /dev/null 2>&1 &")
        self.reporter = True

    def hostile_stats(self, kind):
        """Written by dom0 into the guest's node, which keeps its owner: memd sees no difference."""
        self.stop_reporter()
        self.xenbus.write("/local/domain/%d/%s" % (self.domid, STATS_NODE), HOSTILE[kind])

    # what is kept in xenstore

    def disorder(self, kind):
        if kind == "record-storm":
            node = "/local/domain/%d/memory/storm" % self.domid
            loop = "while :; do xenstore-write %s 1; done" % node
            self.storm = subprocess.Popen(["setsid", "sh", "-c", loop])
            return
        if kind not in DISORDER:
            raise Unavailable("disorder " + kind)
        name, text = DISORDER[kind]
        node = "/local/domain/%d/memory/%s" % (self.domid, name)
        self.saved[kind] = (node, self.xenbus.read(node))
        if text is None:
            self.xenbus.remove(node)
        else:
            self.xenbus.write(node, text)
        # memd hears of it by a watch, this harness does not: give it the time.
        time.sleep(1)

    def order(self, kind):
        if kind == "record-storm":
            os.killpg(self.storm.pid, 15)
            self.storm.wait()
            self.storm = None
            self.xenbus.remove("/local/domain/%d/memory/storm" % self.domid)
            return
        node, value = self.saved.pop(kind)
        now = self.xenbus.read(node)
        # What memd has put right in the meantime stays.
        if now is None or not re.fullmatch(rb"[0-9]{1,15}", now):
            self.xenbus.write(node, value)
        time.sleep(1)
