# SPDX-License-Identifier: LGPL-2.1-or-later
"""xenstore for the harness in dom0, through the kernel's device: xenstore-write cannot write every byte."""

import os
import struct

READ, WRITE, RM, WATCH_EVENT, ERROR = 2, 11, 13, 15, 16
HEADER = struct.Struct("<IIII")


class Xenbus:
    """Requests one after the other. Paths are absolute."""

    def __init__(self):
        self.fd = os.open("/dev/xen/xenbus", os.O_RDWR | os.O_CLOEXEC)

    def take(self, size):
        data = b""
        while len(data) < size:
            data += os.read(self.fd, size - len(data))
        return data

    def ask(self, kind, payload):
        os.write(self.fd, HEADER.pack(kind, 0, 0, len(payload)) + payload)
        answer, _, _, size = HEADER.unpack(self.take(HEADER.size))
        data = self.take(size)
        if answer == ERROR:
            raise OSError(data.rstrip(b"\0").decode())
        return data

    def read(self, path):
        """Value, or None if there is no such node."""
        try:
            return self.ask(READ, path.encode() + b"\0")
        except OSError as error:
            if str(error) == "ENOENT":
                return None
            raise

    def write(self, path, value):
        self.ask(WRITE, path.encode() + b"\0" + value)

    def remove(self, path):
        self.ask(RM, path.encode() + b"\0")
