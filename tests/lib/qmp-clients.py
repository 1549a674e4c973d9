# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmp-clients.py SOCKET: clients of every character before one QMP server; speaks TAP."""
import socket, sys, time

path = sys.argv[1]

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.settimeout(20)
    f = s.makefile("rb")
    assert b"QMP" in f.readline()
    s.sendall(b'{"execute":"qmp_capabilities"}')
    assert b"return" in f.readline()
    return s, f

# One that sends and never reads is held up, and no other client notices.
deaf, _ = connect()
deaf.setblocking(False)
sent = 0
try:
    while sent < 64 << 20:
        sent += deaf.send(b'{"execute":"query-commands"}' * 100)
except BlockingIOError:
    pass
print("%sok - a client that does not read is held up" % ("" if sent < 16 << 20 else "not "))
s, f = connect()
begin = time.time()
for i in range(20):
    s.sendall(b'{"execute":"query-balloon"}')
    assert b"actual" in f.readline()
print("%sok - while others get their answers" % ("" if time.time() - begin < 10 else "not "))
deaf.close()

# A long line without end, and then a proper command on the same connection.
s.sendall(b"x" * 10 + b'"' + b"y" * 300000 + b"\n" + b'{"execute":"query-name","id":"after"}\n')
lines = [f.readline()]
while b"after" not in lines[-1]:
    lines.append(f.readline())
print("%sok - more than a message may have is refused and the connection lives on" % (
    "" if any(b"size limit" in l for l in lines) and b"return" in lines[-1] else "not "))

# One that sends no more, and takes its time to read: echo ... | nc -N -U SOCKET.
s = socket.socket(socket.AF_UNIX)
s.connect(path)
s.sendall(b'{"execute":"qmp_capabilities"}' + b'{"execute":"query-version"}' * 2000)
s.shutdown(socket.SHUT_WR)
time.sleep(0.5)
lines = s.makefile("rb").readlines()
print("%sok - one that has said all still gets its answers" % ("" if len(lines) == 2002 else "not "))
print("# %d of 2002 lines" % len(lines))

# Many clients, each with its answer.
many = [connect() for _ in range(60)]
for c, _ in many:
    c.sendall(b'{"execute":"query-balloon","id":%d}' % c.fileno())
good = sum(b'"id": %d' % c.fileno() in g.readline() for c, g in many)
print("%sok - sixty clients of one domain have their answers" % ("" if good == 60 else "not "))

# Of several faults in one request the one that stands first is told; arguments are looked at in the order of the table.
ORDER = [
    ('{"execute":"a","exec-oob":"b"}', "'exec-oob' clashes with 'execute'"),
    ('{"exec-oob":"b","execute":"a"}', "'execute' clashes with 'exec-oob'"),
    ('{"foo":1,"execute":5}', "'foo' is unexpected"),
    ('{"arguments":[],"execute":5}', "'arguments' must be an object"),
    ('{"execute":5,"x":1}', "'execute' must be a string"),
    ('{"foo":5,"arguments":[]}', "'foo' is unexpected"),
    ('{"execute":"qmp_capabilities","arguments":{"x":1,"enable":["bogus"]}}', "does not accept value 'bogus'"),
    ('{"execute":"qmp_capabilities","arguments":{"enable":["bogus",1]}}', "does not accept value 'bogus'"),
    ('{"execute":"qmp_capabilities","arguments":{"enable":[1,"bogus"]}}', "'enable[0]', expected: string"),
]
s = socket.socket(socket.AF_UNIX)
s.connect(path)
f = s.makefile()
f.readline()
s.sendall(b'{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}')
f.readline()
wrong = []
for request, sentence in ORDER:
    s.sendall(request.encode())
    line = f.readline()
    if sentence not in line:
        wrong.append("# %s: %s" % (request, line))
print("%sok - of several faults the first is told" % ("not " if wrong else ""))
print("".join(wrong), end="")
