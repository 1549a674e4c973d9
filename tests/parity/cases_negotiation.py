# SPDX-License-Identifier: LGPL-2.1-or-later
"""Greeting and negotiation: sections 5.2, 5.3 and 4.10."""

from cases import WIRE, add, case


@case("5.2 the greeting and its members", WIRE)
def greeting(talk):
    client = talk.client(negotiate=False)
    message = client.greeting()
    version = message["QMP"]["version"]
    client.note(
        members=sorted(message),
        inner=sorted(message["QMP"]),
        version=sorted(version),
        qemu=sorted(version["qemu"]),
        integers=all(isinstance(item, int) for item in version["qemu"].values()),
        package=isinstance(version["package"], str),
        capabilities=message["QMP"]["capabilities"],
    )


@case("5.2 the version is the mirrored one", WIRE)
def greeting_version(talk):
    client = talk.client(negotiate=False)
    version = client.greeting()["QMP"]["version"]["qemu"]
    client.note(major=version["major"], minor=version["minor"])


@case("5.2 a monitor of its own offers out-of-band", WIRE)
def greeting_capabilities(talk):
    client = talk.client(negotiate=False)
    client.note(capabilities=client.greeting()["QMP"]["capabilities"])


# (name, commands sent one after the other before or during negotiation)
SEQUENCES = [
    ("negotiate", [b'{"execute":"qmp_capabilities"}', b'{"execute":"query-name"}']),
    ("negotiate-with-id", [b'{"execute":"qmp_capabilities","id":"c"}']),
    ("negotiate-empty-arguments", [b'{"execute":"qmp_capabilities","arguments":{}}']),
    ("negotiate-enable-nothing", [b'{"execute":"qmp_capabilities","arguments":{"enable":[]}}']),
    ("negotiate-enable-oob-unoffered", [b'{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}']),
    ("negotiate-enable-unknown", [b'{"execute":"qmp_capabilities","arguments":{"enable":["bogus"]}}']),
    ("negotiate-enable-integer", [b'{"execute":"qmp_capabilities","arguments":{"enable":[1]}}']),
    ("negotiate-enable-string", [b'{"execute":"qmp_capabilities","arguments":{"enable":"oob"}}']),
    ("negotiate-enable-null", [b'{"execute":"qmp_capabilities","arguments":{"enable":null}}']),
    ("negotiate-extra-argument", [b'{"execute":"qmp_capabilities","arguments":{"x":1}}']),
    (
        "negotiate-after-failure",
        [
            b'{"execute":"qmp_capabilities","arguments":{"enable":["bogus"]}}',
            b'{"execute":"query-name"}',
            b'{"execute":"qmp_capabilities"}',
            b'{"execute":"query-name"}',
        ],
    ),
    ("negotiate-twice", [b'{"execute":"qmp_capabilities"}', b'{"execute":"qmp_capabilities","id":2}']),
    ("before-negotiation-balloon", [b'{"execute":"balloon","arguments":{"value":1}}']),
    ("before-negotiation-query", [b'{"execute":"query-balloon","id":1}']),
    ("before-negotiation-query-commands", [b'{"execute":"query-commands"}']),
    ("before-negotiation-unknown", [b'{"execute":"no-such"}']),
    ("before-negotiation-bad-arguments", [b'{"execute":"query-name","arguments":[]}']),
    ("before-negotiation-no-execute", [b'{"id":5}']),
    ("before-negotiation-oob", [b'{"exec-oob":"query-name"}']),
    ("before-negotiation-syntax-error", [b'{"execute":]']),
    ("before-negotiation-pipelined", [b'{"execute":"qmp_capabilities","id":1}{"execute":"query-name","id":2}']),
]


def sequence(commands):
    def run(talk):
        client = talk.client(negotiate=False)
        client.greeting()
        for command in commands:
            client.raw(command)

    return run


for _name, _commands in SEQUENCES:
    add(_name, "5.3", WIRE, sequence(_commands))


@case("5.3, 5.10 a client that enables what the greeting offers", WIRE)
def negotiate_what_is_offered(talk):
    client = talk.client(negotiate=False)
    offered = client.greeting()["QMP"]["capabilities"]
    client.note(got=client.silent("qmp_capabilities", enable=offered))
    client.note(got=talk.plain(client.silent("query-name")))


@case("5.3 each connection negotiates for itself", WIRE)
def negotiation_is_per_connection(talk):
    talk.client()
    second = talk.client(negotiate=False)
    second.greeting()
    second.raw(b'{"execute":"query-name","id":1}')
