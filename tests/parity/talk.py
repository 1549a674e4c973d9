# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a case uses to talk to a machine, and how the talk becomes a transcript that can be compared.

A transcript is a list of entries in the order of the case's own steps. Whatever differs from run to run
without meaning is replaced: sizes by their distance from the machine's memory, times by what they are
("now", "never"), figures of a guest by "set" or "unset".
"""

import json
import time

from wire import Closed, Connection, Timeout

MIB = 1 << 20
UNSET = 18446744073709551615
STATS_7_2 = {
    "stat-" + name
    for name in (
        "swap-in swap-out major-faults minor-faults free-memory total-memory available-memory"
        " disk-caches htlb-pgalloc htlb-pgfail"
    ).split()
}
SENTINEL = "parity-end"


class Talk:
    """One case's run on one machine."""

    def __init__(self, machine):
        self.machine = machine
        self.ram = machine.ram
        self.log = []
        self.started = time.time()
        self.clients = []

    def note(self, **entry):
        self.log.append(entry)

    def close(self):
        for client in self.clients:
            for oddity in client.connection.oddities:
                self.note(oddity=oddity)
            client.connection.close()

    def client(self, negotiate=True, name=None):
        """A new connection. It is negotiated without a trace in the transcript, unless asked not to."""
        client = Client(self, name, self.machine.connect())
        self.clients.append(client)
        if negotiate:
            client.greeting()
            client.silent("qmp_capabilities")
        return client

    # What follows normalises.

    def size(self, value):
        """Sizes near the machine's memory as a distance from it; others stay."""
        if isinstance(value, bool) or not isinstance(value, int):
            return value
        if self.ram // 4 <= value <= self.ram + MIB:
            return "ram" if value == self.ram else "ram%+d" % (value - self.ram)
        return value

    def moment(self, seconds):
        if seconds == 0:
            return "never"
        return "now" if self.started - 2 <= seconds <= time.time() + 2 else "earlier"

    def plain(self, value, key=None):
        """A message of the server without what differs from run to run."""
        if key == "stats" and isinstance(value, dict):
            return {
                name: "unset" if figure == UNSET else "set"
                for name, figure in value.items()
                if name in STATS_7_2
            }
        if isinstance(value, dict):
            return {name: self.plain(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.plain(item) for item in value]
        if key in ("actual", "base-memory", "value"):
            return self.size(value)
        if key == "last-update":
            return self.moment(value)
        if key == "name" and value == self.machine.guest_name:
            return "GUEST"
        if key == "no JSON":
            return value.replace(self.machine.guest_name, "GUEST")
        if key == "name" and value == self.machine.guest_name:
            return "GUEST"
        if key == "no JSON":
            return value.replace(self.machine.guest_name, "GUEST")
        return value


class Client:
    """One connection inside a case."""

    def __init__(self, talk, name, sock):
        self.talk = talk
        self.name = name
        self.connection = Connection(sock)

    def note(self, **entry):
        if self.name:
            entry = {"client": self.name, **entry}
        self.talk.note(**entry)

    def close(self):
        self.connection.close()

    def greeting(self, timeout=30):
        return self.connection.message(timeout)

    def silent(self, execute, **arguments):
        """A command that leaves no trace; returns the reply."""
        command = {"execute": execute}
        if arguments:
            command["arguments"] = underscores(arguments)
        self.connection.send(json.dumps(command).encode())
        return self.connection.reply()

    def cmd(self, execute, show=None, **arguments):
        """A command and its reply. show(return value) may reduce what is compared."""
        reply = self.silent(execute, **arguments)
        arguments = self.talk.plain(underscores(arguments))
        self.note(send=execute, arguments=arguments, got=self.shown(reply, show))
        return reply

    def shown(self, reply, show=None):
        if show and "return" in reply:
            return {**reply, "return": show(reply["return"])}
        return self.talk.plain(reply)

    def raw(self, data, flush=b"", abbreviate=False):
        """Bytes as they are, then flush (what brings a parser back to its start, if needed), then a known
        command; records every reply until that command's."""
        self.connection.send(data)
        self.connection.send(flush + b'{"execute":"query-name","id":"%s"}\n' % SENTINEL.encode())
        got = []
        while True:
            try:
                reply = self.connection.reply()
            except Timeout:
                got.append("silence")
                break
            except Closed:
                got.append("closed")
                break
            if reply.get("id") == SENTINEL:
                break
            got.append(self.talk.plain(reply))
        text = data.decode("latin-1")
        if abbreviate:
            text = text[:40] + "..."
            got = [abbreviated(item) for item in got]
        self.note(send=text, got=got)
        return got

    def becomes(self, actual, timeout=90):
        """Wait until query-balloon says so, and say in the transcript whether it did."""
        end = time.monotonic() + timeout
        while True:
            reply = self.silent("query-balloon")
            if "error" in reply:
                self.note(actual_becomes=reply["error"])
                return None
            now = reply["return"]["actual"]
            if now == actual or time.monotonic() > end:
                break
            # The loop watches what a client sees, so there is nothing to wait for but the next look.
            time.sleep(0.1)
        self.note(actual_becomes=self.talk.size(now))
        return now

    def event(self, name, timeout=60, show=None):
        """Wait for an event of that name and record it."""
        try:
            event = self.connection.wait_event(lambda event: event["event"] == name, timeout)
        except Timeout:
            self.note(event=name, came=False)
            return None
        except Closed:
            self.note(event=name, came="closed before")
            return None
        data = event.get("data")
        self.note(event=name, data=show(data) if show else self.talk.plain(data), **stamp(event))
        return event

    def balloon_event(self, actual, timeout=90):
        """Wait for the BALLOON_CHANGE that says so."""

        def wanted(event):
            return event["event"] == "BALLOON_CHANGE" and event["data"]["actual"] == actual

        try:
            event = self.connection.wait_event(wanted, timeout)
            self.note(event="BALLOON_CHANGE", data=self.talk.plain(event["data"]), **stamp(event))
        except Timeout:
            last = [self.talk.plain(event["data"]) for _, event in self.balloon_events()][-1:]
            self.note(event="BALLOON_CHANGE", came=False, wanted=self.talk.size(actual), last=last)

    def balloon_events(self):
        return [
            (arrival, event)
            for arrival, event in self.connection.events
            if event["event"] == "BALLOON_CHANGE"
        ]

    def forget_events(self):
        self.connection.events.clear()

    def no_event(self, seconds=3.0):
        """Record what comes in so long; wanted is nothing."""
        self.connection.drain(seconds)
        names = [event["event"] for _, event in self.connection.events]
        self.note(events=names)

    def stream(self, start):
        """Facts about the BALLOON_CHANGE events so far, for a change that began at start."""
        events = self.balloon_events()
        values = [start] + [event["data"]["actual"] for _, event in events]
        steps = [b - a for a, b in zip(values, values[1:])]
        arrivals = [arrival for arrival, _ in events]
        made = [seconds(event) for _, event in events]
        # The server's timer is exact to some milliseconds, our reading of an arrival may be late: not of all, though.
        span = arrivals[-1] - arrivals[0] if arrivals else 0
        self.note(
            events="some" if events else "none",
            direction=direction(steps),
            last=self.talk.size(values[-1]),
            at_most_one_a_second=span > len(arrivals) - 1 - 0.8,
            timestamps_rise=all(b > a for a, b in zip(made, made[1:])),
            timestamps_are_of_generation=all(a - 0.05 <= b for a, b in zip(made, arrivals)),
        )

    def end_of_connection(self, timeout=60):
        try:
            while True:
                message = self.connection.message(timeout)
                if "event" in message:
                    self.connection.events.append((time.time(), message))
        except Closed:
            self.note(connection="closed")
        except Timeout:
            self.note(connection="still open")


def underscores(arguments):
    """Python's names to QMP's: command_line is command-line."""
    return {name.replace("_", "-"): value for name, value in arguments.items()}


def seconds(event):
    stamp_ = event["timestamp"]
    return stamp_["seconds"] + stamp_["microseconds"] / 1e6


def stamp(event):
    """The shape of an event apart from its name and data."""
    stamp_ = event.get("timestamp")
    good = (
        isinstance(stamp_, dict)
        and set(stamp_) == {"seconds", "microseconds"}
        and all(isinstance(value, int) for value in stamp_.values())
        and 0 <= stamp_["microseconds"] < 1000000
        and abs(seconds(event) - time.time()) < 120
    )
    return {"timestamp": "good" if good else stamp_, "members": sorted(event)}


def direction(steps):
    if not steps:
        return "none"
    if all(step < 0 for step in steps):
        return "falling"
    return "rising" if all(step > 0 for step in steps) else "both"


def abbreviated(value):
    """Long strings, long and deep lists as what they are."""
    if isinstance(value, str):
        return value if len(value) < 100 else "%d characters, %s" % (len(value), sorted(set(value)))
    if isinstance(value, dict):
        return {name: abbreviated(item) for name, item in value.items()}
    if isinstance(value, list):
        depth, inner = 0, value
        while isinstance(inner, list) and len(inner) <= 1:
            depth, inner = depth + 1, inner[0] if inner else None
        if depth > 8:
            return "list of depth %d" % depth
        return value if len(value) < 20 else "list of %d" % len(value)
    return value
