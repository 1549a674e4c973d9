# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmp-large-server.py SOCKET: answers as a server of another make may. query-qmp-schema has the size that QEMU's has
(190 KiB and more, far above 16384 tokens); query-version's answer has no JSON behind it, and anything else but the
negotiation is answered with what is none."""

import json
import socket
import sys

GREETING = {"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}
SCHEMA = [
    {"name": str(i), "meta-type": "object", "members": [{"name": "member-%d" % i, "type": "int"}]} for i in range(8000)
]


def answer(request):
    if request["execute"] == "qmp_capabilities":
        return json.dumps({"return": {}, "id": request["id"]})
    if request["execute"] == "query-qmp-schema":
        return json.dumps({"return": SCHEMA, "id": request["id"]})
    if request["execute"] == "query-version":
        return json.dumps({"return": {}, "id": request["id"]}) + "\r\n, and some more"
    return "HTTP/1.1 400 Bad Request, and so on, " * 100


listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(1)
while True:
    client = listener.accept()[0]
    try:
        client.sendall(json.dumps(GREETING).encode() + b"\r\n")
        for line in client.makefile():
            client.sendall(answer(json.loads(line)).encode() + b"\r\n")
    except OSError:
        pass
    client.close()
