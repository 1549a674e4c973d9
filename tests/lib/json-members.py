#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""json-members.py FILE COMMAND [--lines]: holds JSON on standard input against what FILE (docs/man/json-members) tells.

Each member must be told of, with the type that it has; each that is told of must be there, unless it may be absent, or
what it would be in is empty, null or absent itself. With --lines there is one value a line. Prints what is not so;
status 1 then. Without COMMAND: prints the commands of FILE.
"""
import json
import sys

TYPES = {"text": str, "number": (int, float), "bool": bool, "array": list, "object": dict}


class Member:
    def __init__(self, word):
        self.optional = word.endswith("*")
        self.nullable = word.rstrip("*").endswith("?")
        self.type = word.rstrip("*").rstrip("?")
        if self.type not in TYPES:
            raise SystemExit("no type: " + word)

    def fits(self, value):
        if value is None:
            return self.nullable
        return isinstance(value, TYPES[self.type]) and (self.type != "number" or not isinstance(value, bool))


def read(path):
    """{command: {path: Member}}"""
    commands, members = {}, None
    with open(path, encoding="utf-8") as f:
        for line in f:
            words = line.split()
            if not words or line.startswith("#") or words[0] == "about":
                continue
            if words[0] == "command":
                members = commands.setdefault(" ".join(words[1:]), {})
            elif words[0] == "as":
                prefix = words[2] + "." if len(words) > 2 else ""
                members.update({p[len(prefix):]: m for p, m in commands[words[1]].items() if p.startswith(prefix)})
            else:
                members[words[0]] = Member(words[1])
    return commands


def join(path, name):
    return path + "." + name if path else name


def children(told, path):
    """Names of the members that an object at path is told to have."""
    start = path + "." if path else ""
    return [p[len(start):] for p in told if p.startswith(start) and p != start
            and "." not in p[len(start):] and "[]" not in p[len(start):]]


def faults(told, path, value):
    # The root, and objects in arrays, have no line of their own in the file.
    if path and not (path.endswith("[]") and isinstance(value, dict)):
        member = told.get(path)
        if not member:
            yield "%s is not told of" % path
            return
        if not member.fits(value):
            yield "%s is %r, told is %s" % (path, value, member.type)
            return
    if isinstance(value, list):
        for item in value:
            yield from faults(told, path + "[]", item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from faults(told, join(path, name), item)
        for name in children(told, path):
            if name not in value and not told[join(path, name)].optional:
                yield "%s is told of and not there" % join(path, name)


def main():
    commands = read(sys.argv[1])
    if len(sys.argv) == 2:
        print("\n".join(commands))
        return 0
    command, lines = sys.argv[2], "--lines" in sys.argv[3:]
    text = sys.stdin.read()
    values = [json.loads(line) for line in text.splitlines()] if lines else [json.loads(text)]
    if command not in commands:
        raise SystemExit("%s tells nothing of %s" % (sys.argv[1], command))
    found = sorted({f for v in values for f in faults(commands[command], "", v)})
    print("".join(f + "\n" for f in found), end="")
    return 1 if found or not values else 0


sys.exit(main())
