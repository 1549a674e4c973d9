# SPDX-License-Identifier: LGPL-2.1-or-later
"""One QMP connection, at the level of bytes: lines in, anything out."""

import fcntl
import json
import socket
import sys
import termios
import time


class Timeout(Exception):
    """What was waited for did not come."""


class Closed(Exception):
    """The server has closed the connection."""


# The deepest reply that a case asks for is nested 1024 times.
sys.setrecursionlimit(10000)


def decode(line):
    """A line of the server as an object. Floats keep their spelling, since it is compared; so does a line
    that is no JSON."""
    try:
        return json.loads(line, parse_float=lambda text: "float " + text)
    except ValueError:
        return {"no JSON": line.decode("latin-1")}


class Connection:
    """Replies and events of one client; events are put aside in the order of their arrival."""

    def __init__(self, sock):
        self.sock = sock
        self.pending = b""  # read but not yet taken; without a newline if self.partial
        self.partial = []  # pieces of a line whose end has not come
        self.events = []  # (time of arrival, event)
        self.oddities = []  # lines that are not what balloon.md 5.1 says: ASCII, ended CR LF

    def close(self):
        self.sock.close()

    def send(self, data):
        # A server that reads nothing for a minute is broken; large inputs need a while.
        self.sock.settimeout(60)
        self.sock.sendall(data)

    def all_is_read(self):
        """The server has taken all that was sent."""
        return not any(fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4)))

    def _line(self, deadline):
        if b"\n" not in self.pending:
            self.partial.append(self.pending)
            self.pending = b""
            self.pending = self._rest_of_line(deadline)
        line, self.pending = self.pending.split(b"\n", 1)
        if not line.endswith(b"\r"):
            self.oddities.append("line is not ended by CR LF")
        if not line.isascii():
            self.oddities.append("line is not ASCII")
        return line

    def _rest_of_line(self, deadline):
        """Read until a newline has come; returns everything from the line's begin on."""
        while True:
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
            self.partial.append(data)
            if b"\n" in data:
                whole, self.partial = b"".join(self.partial), []
                return whole

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
