# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a case may ask of a machine. QEMU and Xen implement it; a bare server implements only connections."""

import socket

from talk import Client, MIB, Talk


class Unavailable(Exception):
    """This machine cannot do that; the reason stands in the transcript."""


class Machine:
    """Actions that a machine has not got stay as they are here."""

    kind = "server"
    ram = 0

    def connect(self, oob=True):
        """A new connection to the machine's monitor. oob=False: one that does not offer out-of-band."""
        raise NotImplementedError

    def enter(self, scenario):
        """Bring the machine into a scenario of cases.py."""

    def spoiled(self):
        """The machine is not what it was: start anew before the next case."""

    def close(self):
        """End what was started."""

    def __getattr__(self, action):
        if action.startswith("_"):
            raise AttributeError(action)

        def unavailable(*_):
            raise Unavailable(action)

        return unavailable


class Server(Machine):
    """A server behind a socket, with nothing behind it that could be acted on."""

    def __init__(self, path):
        self.path = path
        talk = Talk(self)
        client = talk.client()
        reply = client.silent("query-memory-size-summary")
        self.ram = reply["return"]["base-memory"] if "return" in reply else 256 * MIB
        talk.close()

    def connect(self, oob=True):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.path)
        return sock

    def enter(self, scenario):
        if scenario not in ("wire", "full"):
            raise Unavailable("scenario " + scenario)


class Watcher:
    """A client of the harness itself, that knows whether the machine is at rest."""

    def __init__(self, machine):
        self.talk = Talk(machine)
        self.client = Client(self.talk, None, machine.connect())
        self.client.greeting()
        self.client.silent("qmp_capabilities")

    def close(self):
        self.client.close()

    def settle(self, timeout=180):
        """Full size, and no event on its way: the throttle holds one back for a second at most."""
        self.client.silent("balloon", value=self.talk.ram)
        self.client.silent("cont")
        if self.client.becomes(self.talk.ram, timeout) != self.talk.ram:
            raise Unavailable("the guest does not return to full size")
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
