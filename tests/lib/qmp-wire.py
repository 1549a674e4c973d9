# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmp-wire.py QEMU-SOCKET OUR-SOCKET COUNT [SEED]: sends the same random bytes to a real QEMU and to our server, and compares
what comes back byte for byte. Bytes are mostly wrong in some way: that is where two servers differ. Speaks TAP.
"""
import random
import socket
import sys

# Byte FF brings any state of a parser back to the start; what is in the reply tells where this input's replies end.
SYNC = b'\xff{"execute":"query-uuid","id":"SYNC-%d"}\n'

PIECES = [
    b"{", b"}", b"[", b"]", b":", b",", b'"a"', b"'b'", b'"execute"', b'"query-name"', b'"id"', b'"arguments"', b"1",
    b"-1", b"0", b"00", b"-", b"1.5", b"1e5", b"1E+", b"1.", b"true", b"false", b"null", b"nul", b'"\\u00e9"',
    b'"\\ud800"', b'"\\ud834\\udd1e"', b'"\xc3\xa9"', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\\x"', b"\x00",
    b"\x01", b"\t", b" ", b"\n", b"\r", b"%", b"@", b"\xfe", b"9223372036854775808", b"18446744073709551616",
    b"-9223372036854775809", b'"\\u0000"', b'"\x7f"', b"'\\''", b'"\xef\xbf\xbf"', b'"\xf5\x80\x80\x80"',
    b'"\xe2\x82"', b'"\\u12"', b'"', b"'", b"\\", b"A",
]
SENTENCES = [
    b'{"execute":"balloon","arguments":{"value":%s}}',
    b'{"execute":%s,"id":1}',
    b'{"execute":"query-name","id":%s}',
    b'{"execute":"qom-get","arguments":{"path":%s,"property":"type"}}',
    b'{"execute":"query-name",%s:1}',
    b"[%s]",
    b'{"id":[%s,%s]}',
    b'{"execute":"qom-set","arguments":{"path":"balloon0","property":"guest-stats-polling-interval","value":%s}}',
    b'{"execute":"human-monitor-command","arguments":{"command-line":%s}}',
]


class Server:
    def __init__(self, path):
        self.path = path
        self.connect()

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
        self.sock.settimeout(30)
        self.lines = self.sock.makefile("rb")
        self.lines.readline()
        self.sock.sendall(b'{"execute":"qmp_capabilities"}\n')
        self.lines.readline()

    def ask(self, data, number):
        self.sock.sendall(data)
        self.sock.sendall(SYNC % number)
        mark = b"SYNC-%d" % number
        got = []
        while True:
            line = self.lines.readline()
            if not line:
                self.connect()
                return got + [b"end of connection"]
            if mark in line and b'"return"' in line:
                return got
            got.append(line)


def some_bytes(rng):
    if rng.random() < 0.5:
        return b"".join(rng.choice(PIECES) for _ in range(rng.randint(1, 14)))
    sentence = rng.choice(SENTENCES)
    holes = [b"".join(rng.choice(PIECES) for _ in range(1 if rng.random() < 0.7 else 3))
             for _ in range(sentence.count(b"%s"))]
    return sentence % tuple(holes)


def main():
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    rng = random.Random(seed)
    count = int(sys.argv[3])
    qemu, ours = Server(sys.argv[1]), Server(sys.argv[2])
    differing = errors = 0
    for number in range(count):
        data = some_bytes(rng)
        theirs, own = qemu.ask(data, number), ours.ask(data, number)
        errors += any(b'"error"' in line for line in theirs)
        if theirs != own:
            differing += 1
            if differing <= 10:
                print("# sent %r\n#   QEMU %r\n#   ours %r" % (data, theirs, own))
    print("%sok - %d random inputs (seed %d, %d of them errors) are answered as by QEMU, byte for byte" %
          ("not " if differing else "", count, seed, errors))
    print("%sok - at least half of them are wrong in some way" % ("" if errors * 2 >= count else "not "))
    return 1 if differing else 0


sys.exit(main())
