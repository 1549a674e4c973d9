# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real QEMU with virtio-balloon-pci and a Linux guest, as a machine for the cases."""

import os
import socket
import subprocess
import time

from machine import FILL, LOADS, Machine, Watcher
from talk import MIB

BOOT_TIMEOUT = 180
MONITORS = 5


class Qemu(Machine):
    """kernel and initramfs: the guest, see guest-image. folder: for sockets, logs and saved state."""

    kind = "qemu"

    def __init__(self, kernel, initramfs, folder, ram_mib=256):
        self.kernel = kernel
        self.initramfs = initramfs
        self.folder = os.path.abspath(folder)
        self.ram = ram_mib * MIB
        self.process = None
        self.scenario = None
        self.lied = False  # the guest's word about its balloon is not what its driver has done
        self.sockets = {}
        os.makedirs(self.folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    # the process

    def start(self, device=True, driver=True, incoming=None):
        self.close()
        command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-nodefaults", "-display", "none"]
        command += ["-no-user-config", "-m", "%dM" % (self.ram // MIB), "-name", "parity"]
        command += ["-uuid", "5c4dd1a6-5c7f-4f3a-9a10-0c9f3bd1c0de"]
        command += ["-kernel", self.kernel, "-initrd", self.initramfs]
        options = "quiet panic=-1 iomem=relaxed console=ttyS0" + ("" if driver else " driver=no")
        command += ["-append", options, "-serial", "file:" + self.path("console")]
        command += ["-serial", "unix:%s,server=on,wait=off" % self.path("shell")]
        if device:
            command += ["-device", "virtio-balloon-pci,id=balloon0"]
        for number in range(MONITORS):
            command += ["-qmp", "unix:%s,server=on,wait=off" % self.path("qmp%d" % number)]
        if incoming:
            command += ["-incoming", "exec:cat " + incoming]
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.shell = self.open("shell")
        self.heard = b""
        if not incoming:
            self.hear(b"@ready", BOOT_TIMEOUT)
            self.driver = device and driver
        self.watcher = Watcher(self)

    def open(self, name):
        """Connect to a socket that QEMU may still be about to make."""
        end = time.monotonic() + 30
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(self.path(name))
                return sock
            except (FileNotFoundError, ConnectionRefusedError):
                sock.close()
                if self.process.poll() is not None or time.monotonic() > end:
                    with open(self.path("log"), errors="replace") as log:
                        raise RuntimeError("qemu did not start: " + log.read()) from None
                time.sleep(0.05)

    def close(self):
        for sock in self.sockets.values():
            sock.close()
        self.sockets = {}
        if self.process:
            self.process.kill()
            self.process.wait()
            self.shell.close()
        self.process = None
        for name in os.listdir(self.folder):
            if name.startswith("qmp") or name == "shell":
                os.unlink(self.path(name))

    def connect(self):
        """QEMU serves one client a socket, so each gets the next free one."""
        for name in ["qmp%d" % number for number in range(MONITORS)]:
            if name not in self.sockets or self.sockets[name].fileno() < 0:
                self.sockets[name] = self.open(name)
                return self.sockets[name]
        raise RuntimeError("no free monitor")

    # the guest

    def hear(self, wanted, timeout):
        end = time.monotonic() + timeout
        while wanted not in self.heard:
            self.shell.settimeout(max(0.1, end - time.monotonic()))
            data = self.shell.recv(4096)
            if not data or time.monotonic() > end:
                raise RuntimeError("the guest's shell is gone")
            self.heard += data
        text, _, self.heard = self.heard.partition(wanted)
        return text.decode(errors="replace")

    def guest(self, line, timeout=60):
        """Run a line of shell in the guest; returns its output."""
        self.shell.sendall(line.encode() + b"\n")
        text = self.hear(b"@rc ", timeout)
        self.hear(b"\n", timeout)
        return text

    # scenarios

    def enter(self, scenario):
        if scenario != self.scenario:
            if not (scenario == "wire" and self.scenario == "full"):
                self.start(device=scenario != "deviceless", driver=scenario != "driverless")
            self.scenario = scenario
        if self.lied:
            # The driver corrects its word only when it has something to do.
            self.guest_says_pages(0)
            self.lied = False
        if scenario in ("full", "wire"):
            self.watcher.settle()

    def spoiled(self):
        self.scenario = None
        self.lied = False

    # actions

    def restart(self):
        """A fresh boot; returns as soon as the monitors answer."""
        self.start()

    def wait_driver(self):
        self.guest("ls /sys/bus/virtio/drivers/virtio_balloon")

    def pause(self):
        self.watcher.client.silent("stop")

    def resume(self):
        self.watcher.client.silent("cont")

    def load_driver(self):
        self.guest("insmod /modules/virtio_balloon.ko")

    def unload_driver(self):
        self.guest("rmmod virtio_balloon")

    start_reporter = load_driver
    stop_reporter = unload_driver

    def guest_says_pages(self, pages):
        """The guest's own word about the pages in its balloon."""
        self.guest("say_pages %d" % pages)

    def guest_sets(self, actual):
        self.guest_says_pages((self.ram - actual) >> 12)
        self.lied = True

    def guest_works(self):
        """Something that changes the guest's figures."""
        self.guest("dd if=/dev/zero of=/tmp/work bs=1M count=16 2> /dev/null; rm /tmp/work")

    def guest_load(self, load):
        self.guest(LOADS[load], 120)

    def agent_says(self):
        return self.guest("xl-ext-agent --print")

    def fill(self, leave, seconds):
        self.guest(FILL % (leave // MIB, seconds), 120)

    def reboot(self):
        self.watcher.client.silent("system_reset")

    def power_off(self):
        self.shell.sendall(b"poweroff -f\n")

    def destroy(self):
        self.process.terminate()

    def save_and_restore(self):
        saved = self.path("state")
        client = self.watcher.client
        client.silent("migrate", uri="exec:cat > " + saved)
        end = time.monotonic() + 120
        while client.silent("query-migrate")["return"].get("status") != "completed":
            if time.monotonic() > end:
                raise RuntimeError("saving did not end")
            time.sleep(0.2)
        self.start(incoming=saved)
        while not self.watcher.client.silent("query-status")["return"]["running"]:
            if time.monotonic() > end:
                raise RuntimeError("restoring did not end")
            time.sleep(0.1)

    def disorder(self, kind):
        """QEMU keeps the request inside itself: there is nothing to disturb."""

    order = disorder
    hostile_stats = disorder
