# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients of memd's sockets, well-behaved and not. Each function does one thing that the dice choose and says what."""
import json
import os
import socket
import time

RUN = "/run/xl-ext"
CONTROL = RUN + "/control.sock"
# On a loaded emulated machine, and memd may have been stopped for six seconds.
PATIENCE_S = 60


class Hung(Exception):
    pass


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(path)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def line(self):
        while b"\n" not in self.rest:
            try:
                more = self.socket.recv(65536)
            except socket.timeout:
                raise Hung()
            if not more:
                raise ConnectionResetError()
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def ask(self, name, **arguments):
        self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = self.line()
            if "return" in answer or "error" in answer:
                return answer

    def negotiate(self):
        self.line()
        return self.ask("qmp_capabilities")


def answers():
    """How long memd took to answer; None: it did not."""
    began = time.monotonic()
    try:
        with Client(CONTROL) as c:
            c.negotiate()
            return time.monotonic() - began if "return" in c.ask("query-balance") else None
    except (OSError, Hung):
        return None


def wait_for_memd():
    end = time.monotonic() + 120
    while answers() is None:
        if time.monotonic() > end:
            raise SystemExit("memd does not answer")
        time.sleep(0.5)


def rude(path, dice):
    """What no client should do."""
    what = dice.choice(("garbage", "half", "flood", "idle", "large"))
    with Client(path) as c:
        if what == "garbage":
            c.socket.sendall(bytes(dice.randrange(256) for _ in range(dice.randrange(1, 5000))))
        elif what == "half":
            c.negotiate()
            c.socket.sendall(b'{"execute": "query-')
        elif what == "flood":
            c.negotiate()
            c.socket.settimeout(2)
            try:
                for _ in range(300):
                    c.socket.sendall(b'{"execute": "query-version"}{"execute": "query-qmp-schema"}\n')
            except OSError:
                pass
        elif what == "large":
            c.negotiate()
            c.socket.settimeout(2)
            try:
                c.socket.sendall(b'{"execute": "' + b"x" * (1 << 20))
            except OSError:
                pass
        time.sleep(dice.uniform(0, 3))
    return what


def qmp(dice):
    """Monitors of the two puppets that nobody balances; their targets only fall, or memory given away would be missing."""
    domids = [d for d in os.listdir(RUN + "/qmp") if d.startswith("qmp-")]
    if not domids:
        return "no monitor"
    path = "%s/qmp/%s" % (RUN, dice.choice(domids))
    if dice.random() < 0.5:
        return rude(path, dice)
    with Client(path) as c:
        c.negotiate()
        actual = c.ask("query-balloon").get("return", {}).get("actual")
        if actual and actual > (48 << 20):
            c.ask("balloon", value=actual - (dice.randrange(0, 64) << 12))
        c.ask("qom-set", path="balloon0", property="guest-stats-polling-interval", value=dice.randrange(0, 5))
        c.ask("query-status")
        if dice.random() < 0.3:
            c.socket.sendall(b'{"execute": "query-balloon"}')
    return "asked"


def control(dice):
    if dice.random() < 0.3:
        return rude(CONTROL, dice)
    with Client(CONTROL) as c:
        c.negotiate()
        if dice.random() < 0.5:
            c.ask(dice.choice(("query-balance", "query-plan", "query-reservations")))
            return "views"
        answer = c.ask("mem-reserve", size_memkb=dice.randrange(1, 200) << 10, lease_ms=dice.randrange(1000, 20000))
        reservation = answer.get("return", {}).get("id")
        if not reservation:
            return "reservation refused"
        if dice.random() < 0.5:
            c.socket.sendall(json.dumps({"execute": "mem-reserve-hold", "arguments": {"id": reservation}}).encode())
            c.socket.sendall(b'{"execute": "query-balance"}')
            time.sleep(dice.uniform(0, 5))
            return "hold given up"
        if dice.random() < 0.5:
            c.ask("mem-reserve-release", id=reservation)
            return "released"
        return "left to its lease"
