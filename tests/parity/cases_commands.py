# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands beside balloon and query-balloon: section 5.9, and the monitor's human side, 1.14."""

import re

from cases import FULL, WIRE, add, case

# What a client of the balloon may use, and hence what both sides must list.
USED = (
    "qmp_capabilities balloon query-balloon query-version query-commands query-status query-name query-uuid"
    " query-kvm query-memory-size-summary qom-list qom-get qom-set stop cont query-qmp-schema"
    " human-monitor-command"
).split()


def simple(command, show=None, **arguments):
    return lambda talk: talk.client().cmd(command, show, **arguments)


def shape(value):
    """Names and types only."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return type(value).__name__


def mirrored(value):
    return {**shape(value), "major": value["qemu"]["major"], "minor": value["qemu"]["minor"]}


add("query-version", "5.9", WIRE, simple("query-version", mirrored))
add("query-name", "5.9", WIRE, simple("query-name"))
add(
    "query-uuid",
    "5.9",
    WIRE,
    simple("query-uuid", lambda value: {"UUID": bool(re.fullmatch(r"[0-9a-f-]{36}", value["UUID"]))}),
)
add("query-kvm", "5.9", WIRE, simple("query-kvm"))
add("query-memory-size-summary", "5.9", WIRE, simple("query-memory-size-summary"))
add(
    "query-commands",
    "5.9 lists what a balloon client uses",
    WIRE,
    simple("query-commands", lambda value: sorted(set(USED) & {item["name"] for item in value})),
)
add(
    "query-commands-items",
    "5.9 each item has a name only",
    WIRE,
    simple("query-commands", lambda value: sorted({tuple(sorted(item)) for item in value})),
)
for _name in "query-version query-name query-uuid query-kvm query-commands query-status".split():
    add(_name + "-unexpected-argument", "5.9", WIRE, simple(_name, x=1))
add("query-events-is-gone", "5.9", WIRE, simple("query-events"))
add("quit-arguments", "5.9 a wrong call of a dangerous command does nothing", WIRE, simple("stop", x=1))


@case("5.9 a running guest", FULL)
def query_status_running(talk):
    talk.client().cmd("query-status")


@case("5.9 stop and cont, their events and status", FULL)
def stop_and_cont(talk):
    client = talk.client()
    client.cmd("stop")
    client.event("STOP")
    client.cmd("query-status")
    client.cmd("cont")
    client.event("RESUME")
    client.cmd("query-status")


@case("5.9 stop of a stopped guest and cont of a running one say nothing", FULL)
def stop_twice_cont_twice(talk):
    client = talk.client()
    client.cmd("stop")
    client.event("STOP")
    client.cmd("stop")
    client.cmd("cont")
    client.event("RESUME")
    client.cmd("cont")
    client.forget_events()
    client.no_event()


@case("5.9 every client sees STOP and RESUME", FULL)
def stop_events_reach_all(talk):
    first, second = talk.client(name="A"), talk.client(name="B")
    first.cmd("stop")
    second.event("STOP")
    second.cmd("cont")
    first.event("RESUME")


@case("5.9 a guest paused from outside QMP", FULL)
def paused_from_outside(talk):
    client = talk.client()
    talk.machine.pause()
    client.event("STOP")
    client.cmd("query-status")
    talk.machine.resume()
    client.event("RESUME")


def megabytes(talk):
    """The answer of info balloon with its number as a distance from the machine's memory."""

    def replace(match):
        return talk.size(int(match.group()) << 20)

    return lambda text: re.sub(r"\d+", lambda match: str(replace(match)), text)


@case("1.14 info balloon", FULL)
def hmp_info_balloon(talk):
    talk.client().cmd("human-monitor-command", megabytes(talk), command_line="info balloon")


@case("1.14 balloon N in MiB", FULL)
def hmp_balloon(talk):
    client = talk.client()
    target = talk.ram - (64 << 20)
    got = client.silent("human-monitor-command", command_line="balloon %d" % (target >> 20))
    client.note(send="balloon ram-64M", got=got)
    client.becomes(target)
    client.cmd("human-monitor-command", megabytes(talk), command_line="info balloon")


@case("1.14 info status", FULL)
def hmp_info_status(talk):
    client = talk.client()
    client.cmd("human-monitor-command", command_line="info status")
    client.silent("stop")
    client.cmd("human-monitor-command", command_line="info status")
    client.silent("cont")


for _name, _line in (
    ("hmp-unknown", "nonsense"),
    ("hmp-empty", ""),
    ("hmp-balloon-no-argument", "balloon"),
    ("hmp-balloon-word", "balloon x"),
    ("hmp-balloon-zero", "balloon 0"),
    ("hmp-balloon-negative", "balloon -5"),
    ("hmp-balloon-extra", "balloon 100000 200"),
    ("hmp-info-unknown", "info nonsense"),
    ("hmp-white-space", "  info   status  "),
):
    add(_name, "1.14", FULL, simple("human-monitor-command", command_line=_line))
add("hmp-no-command-line", "1.14", WIRE, simple("human-monitor-command"))
add("hmp-command-line-integer", "1.14", WIRE, simple("human-monitor-command", command_line=1))


def resolve(schema, name):
    """A type of query-qmp-schema with the masked names of its parts replaced by what they are."""
    entry = schema[name]
    if entry["meta-type"] == "object":
        members = [
            {**member, "type": resolve(schema, member["type"])} for member in entry.get("members", [])
        ]
        return sorted(members, key=lambda member: member["name"])
    if entry["meta-type"] == "builtin":
        return entry["json-type"]
    if entry["meta-type"] == "array":
        return [resolve(schema, entry["element-type"])]
    return entry["meta-type"]


def described(kind, name):
    def show(value):
        schema = {item["name"]: item for item in value}
        entry = schema.get(name)
        if not entry:
            return "absent"
        parts = {
            part: resolve(schema, entry[part]) for part in ("arg-type", "ret-type") if part in entry
        }
        return {"meta-type": entry["meta-type"], **parts}

    add("schema-of-" + name.lower().replace("_", "-"), "5.11 " + kind, WIRE, simple("query-qmp-schema", show))


described("command", "balloon")
described("command", "query-balloon")
described("command", "query-name")
described("command", "query-kvm")
described("command", "query-uuid")
described("command", "query-memory-size-summary")
described("command", "qom-set")
described("command", "qom-list")
described("command", "human-monitor-command")
described("event", "BALLOON_CHANGE")
described("event", "STOP")
described("event", "RESUME")
add("schema-unexpected-argument", "5.11", WIRE, simple("query-qmp-schema", x=1))
