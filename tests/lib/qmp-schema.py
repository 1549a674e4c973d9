# SPDX-License-Identifier: LGPL-2.1-or-later
"""qmp-schema.py SOCKET: is query-qmp-schema true to what is served? Every answer is held against it, its own too, and
so are arguments that are missing or too many. Speaks TAP."""

import json
import socket
import sys

BALLOON = "/machine/peripheral/balloon0"
ARGUMENTS = {
    "balloon": {"value": 134217728},
    "human-monitor-command": {"command-line": "info balloon"},
    "qom-get": {"path": BALLOON, "property": "guest-stats"},
    "qom-list": {"path": BALLOON},
    "qom-set": {"path": BALLOON, "property": "guest-stats-polling-interval", "value": 0},
}
BUILTIN = {
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "null": lambda value: value is None,
    "value": lambda value: True,
}


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.lines = self.socket.makefile()
        self.lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, arguments=None):
        request = {"execute": command, "id": 0, **({} if arguments is None else {"arguments": arguments})}
        self.socket.sendall(json.dumps(request).encode())
        while True:
            message = json.loads(self.lines.readline())
            if "id" in message:
                return message


def faults(schema, name, value, where):
    """What of the value is not as the type says."""
    entry = schema.get(name)
    if entry is None:
        return ["%s: there is no type %s" % (where, name)]
    kind = entry["meta-type"]
    if kind == "builtin":
        return [] if BUILTIN[entry["json-type"]](value) else ["%s: %r is no %s" % (where, value, name)]
    if kind == "enum":
        return [] if value in entry["values"] else ["%s: %r is none of %s" % (where, value, name)]
    if kind == "array":
        if not isinstance(value, list):
            return ["%s: no list" % where]
        return [f for i, item in enumerate(value) for f in faults(schema, entry["element-type"], item, "%s[%d]" % (where, i))]
    if kind != "object" or not isinstance(value, dict):
        return ["%s: %s is not what %r is" % (where, kind, value)]
    members = {member["name"]: member for member in entry["members"]}
    found = ["%s: nobody told of %s" % (where, key) for key in value if key not in members]
    for key, member in members.items():
        if key in value:
            found += faults(schema, member["type"], value[key], "%s.%s" % (where, key))
        elif "default" not in member:
            found.append("%s: %s is missing" % (where, key))
    return found


def say(found, name):
    print("%sok - %s" % ("not " if found else "", name))
    for text in found[:10]:
        print("# " + text)
    return bool(found)


monitor = Monitor(sys.argv[1])
entries = monitor.ask("query-qmp-schema")["return"]
schema = {entry["name"]: entry for entry in entries}
commands = sorted(name for name, entry in schema.items() if entry["meta-type"] == "command")
listed = sorted(item["name"] for item in monitor.ask("query-commands")["return"])
failed = 0
failed += say([] if len(schema) == len(entries) else ["twice"], "no entry is there twice")
failed += say([] if listed == commands else [str(set(listed) ^ set(commands))], "it has the commands that are listed")
for command in commands:
    entry = schema[command]
    arguments = ARGUMENTS.get(command)
    if command != "qmp_capabilities":
        found = faults(schema, entry["arg-type"], arguments or {}, "arguments")
        reply = monitor.ask(command, arguments)
        found += faults(schema, entry["ret-type"], reply.get("return", reply), command)
        failed += say(found, "what %s returns is what was told" % command)
    found = []
    members = schema[entry["arg-type"]]["members"]
    for member in members:
        left = {key: value for key, value in (arguments or {}).items() if key != member["name"]}
        desc = monitor.ask(command, left).get("error", {}).get("desc", "")
        if ("Parameter '%s' is missing" % member["name"] == desc) != ("default" not in member):
            found.append("without %s: %r" % (member["name"], desc))
    if "unexpected" not in monitor.ask(command, {**(arguments or {}), "nobody-knows": 1})["error"]["desc"]:
        found.append("one too many is taken")
    failed += say(found, "%s wants the arguments that were told" % command)
for name in sorted(name for name, entry in schema.items() if entry["meta-type"] == "event"):
    failed += say([] if schema[name]["arg-type"] in schema else ["no type"], "%s has a type" % name)
used = {schema[name][part] for name in schema for part in ("arg-type", "ret-type", "element-type") if part in schema[name]}
used |= {m["type"] for e in entries if e["meta-type"] == "object" for m in e["members"]}
unused = [n for n, e in schema.items() if e["meta-type"] not in ("command", "event") and n not in used]
failed += say(unused + sorted(used - set(schema)), "every type is there and none is left over")
sys.exit(failed != 0)
