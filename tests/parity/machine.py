# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a case may ask of a machine. QEMU and Xen implement it; a bare server implements only connections."""

import os
import socket
import subprocess
import time

from talk import Client, MIB, Talk


class Unavailable(Exception):
    """This machine cannot do that; the reason stands in the transcript."""


class Machine:
    """Actions that a machine has not got stay as they are here."""

    kind = "none"
    ram = 0
    guest_name = "parity"

    def connect(self):
        """A new connection to the machine's monitor."""
        raise NotImplementedError

    def enter(self, scenario):
        """Bring the machine into a scenario of cases.py."""

    def spoiled(self):
        """The machine is not what it was: start anew before the next case."""

    def is_gone(self):
        """Its guest has ended."""
        return False

    def close(self):
        """End what was started."""

    # What else a case may ask for; each returns when it is done, unless it says otherwise.
    ACTIONS = (
        # the machine
        "restart",  # boot a new guest; returns as soon as it can be connected to
        "wait_driver",  # the guest's balloon driver is there
        "pause",
        "resume",
        "reboot",
        "power_off",  # by the guest itself; returns at once
        "destroy",  # from outside
        "save_and_restore",
        # the guest
        "load_driver",
        "unload_driver",
        "guest_sets",  # (actual bytes) without a request
        "guest_says_pages",  # (pages) what the guest says is inside its balloon
        "guest_works",  # its figures change
        "guest_load",  # (none, anonymous, files or both) use memory, until the next call
        "agent_says",  # what the guest agent, run in the guest, reads of its kernel
        "fill",  # (leave bytes, seconds) take memory that cannot be reclaimed, for so long
        "start_reporter",  # of statistics
        "stop_reporter",
        "hostile_stats",  # (kind)
        # what is kept outside the guest
        "disorder",  # (kind)
        "order",  # (kind) put right again
    )

    def __getattr__(self, action):
        if action not in self.ACTIONS:
            raise AttributeError(action)

        def unavailable(*_):
            raise Unavailable(action)

        return unavailable


# What makes a guest use memory, for both kinds of guest, in busybox's shell: faults of memory that is freed again, files
# that stay in the cache.
LOADS = {
    "none": "rm -f /tmp/load",
    "anonymous": "for i in 1 2 3 4 5 6; do dd if=/dev/zero of=/dev/null bs=40M count=1 2> /dev/null; done",
    "files": "dd if=/dev/zero of=/tmp/load bs=1M count=48 2> /dev/null",
}
FILL = (
    "mount -o remount,size=100%% /tmp; free=$(awk '/MemFree/{print int($2/1024)}' /proc/meminfo);"
    " dd if=/dev/zero of=/tmp/fill bs=1M count=$((free - %d)) 2> /dev/null;"
    # Whom the kernel kills for want of memory is not who lets go of it.
    " (echo -1000 > /proc/self/oom_score_adj; sleep %d; : > /tmp/fill) > /dev/null 2>&1 < /dev/null &"
)
LOADS["both"] = LOADS["files"] + "; " + LOADS["anonymous"]


class Server(Machine):
    """tests/qmp-server: memd's protocol over a machine whose memory is only numbers. What it cannot do is left out."""

    kind = "server"

    def __init__(self, program, folder, version, ram_mib=256):
        self.program = program
        self.version = version  # of QEMU, whose monitor it is to mirror
        self.path = os.path.join(os.path.abspath(folder), "qmp-server")
        self.ram = ram_mib * MIB
        self.process = None
        self.scenario = None
        self.watcher = None
        os.makedirs(folder, exist_ok=True)

    def start(self, *options):
        self.close()
        self.process = subprocess.Popen([self.program, *options, "--ram", str(self.ram // MIB), "--version", self.version, self.path])
        end = time.monotonic() + 30
        while not self.watcher:
            try:
                self.watcher = Watcher(self)
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("%s did not start" % self.program) from None
                time.sleep(0.05)
        self.guest_name = self.watcher.client.silent("query-name")["return"].get("name")

    def close(self):
        if self.watcher:
            self.watcher.close()
            self.watcher = None
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.path)
        return sock

    def enter(self, scenario):
        if scenario != self.scenario:
            options = {"driverless": ["--no-driver"], "deviceless": ["--no-balloon"]}
            self.start(*options.get(scenario, []))
            self.scenario = scenario
        if scenario in ("wire", "full"):
            self.watcher.settle()

    def spoiled(self):
        self.scenario = None

    def pause(self):
        self.watcher.client.silent("stop")

    def resume(self):
        self.watcher.client.silent("cont")


class Watcher:
    """A client of the harness itself, that knows whether the machine is at rest."""

    def __init__(self, machine):
        self.machine = machine
        self.talk = Talk(machine)
        self.client = Client(self.talk, None, machine.connect())
        self.client.greeting()
        self.client.silent("qmp_capabilities")

    def close(self):
        self.client.close()

    def settle(self, timeout=180):
        """Full size, and no event on its way: the throttle holds one back for a second at most."""
        end = time.monotonic() + timeout
        self.client.silent("cont")
        while True:
            # Asked again, as a manager would: a driver that has given up tries once more.
            self.client.silent("balloon", value=self.machine.ram)
            reached = self.client.becomes(self.machine.ram, 15)
            if reached == self.machine.ram:
                break
            if time.monotonic() > end:
                raise RuntimeError("the guest stays at %s of %d" % (reached, self.machine.ram))
        self.client.silent(
            "qom-set",
            path="/machine/peripheral/balloon0",
            property="guest-stats-polling-interval",
            value=0,
        )
        if self.client.connection.events:
            quiet = False
            while not quiet:
                self.client.forget_events()
                self.client.connection.drain(1.2)
                quiet = not self.client.connection.events
