# SPDX-License-Identifier: LGPL-2.1-or-later
"""One QMP connection, at the level of bytes: lines in, anything out."""

import json
import socket
import time


class Timeout(Exception):
    """What was waited for did not come."""


class Closed(Exception):
    """The server has closed the connection."""


def decode(line):
    """A line of the server as an object. Floats keep their spelling, since it is compared."""
    return json.loads(line, parse_float=lambda text: "float " + text)


class Connection:
    """Replies and events of one client; events are put aside in the order of their arrival."""

    def __init__(self, sock):
        self.sock = sock
        self.pending = b""
        self.events = []  # (time of arrival, event)
        self.oddities = []  # lines that are not what balloon.md 5.1 says: ASCII, ended CR LF

    def close(self):
        self.sock.close()

    def send(self, data):
        # A server that reads nothing for a minute is broken; large inputs need a while.
        self.sock.settimeout(60)
        self.sock.sendall(data)

    def _line(self, deadline):
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Timeout
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(1 << 16)
            except socket.timeout:
                raise Timeout from None
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        if not line.endswith(b"\r"):
            self.oddities.append("line is not ended by CR LF")
        if not line.isascii():
            self.oddities.append("line is not ASCII")
        return line

    def message(self, timeout):
        """The next message of any kind. Raises Timeout, Closed."""
        return decode(self._line(time.monotonic() + timeout))

    def reply(self, timeout=60):
        """The next message that is not an event. Raises Timeout, Closed."""
        deadline = time.monotonic() + timeout
        while True:
            message = decode(self._line(deadline))
            if "event" not in message:
                return message
            self.events.append((time.time(), message))

    def wait_event(self, wanted, timeout):
        """Read until an event for which wanted(event) is true has come (already come ones count)."""
        deadline = time.monotonic() + timeout
        seen = 0
        while True:
            for _, event in self.events[seen:]:
                if wanted(event):
                    return event
            seen = len(self.events)
            message = decode(self._line(deadline))
            if "event" in message:
                self.events.append((time.time(), message))

    def drain(self, seconds):
        """Collect events for so long."""
        try:
            self.wait_event(lambda event: False, seconds)
        except Timeout:
            pass
