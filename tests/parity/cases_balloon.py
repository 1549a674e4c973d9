# SPDX-License-Identifier: LGPL-2.1-or-later
"""balloon and query-balloon: section 1.1, 1.2 and 4.1 to 4.13."""

from cases import DEVICELESS, DRIVERLESS, FULL, add, case
from talk import MIB

INT64_MAX = 9223372036854775807


def balloon(value):
    """What query-balloon says afterwards proves that a refused value has changed nothing."""

    def run(talk):
        client = talk.client()
        client.raw(b'{"execute":"balloon","arguments":{"value":%s}}' % value)
        client.cmd("query-balloon")

    return run


for _name, _value in (
    ("zero", b"0"),
    ("minus-zero", b"-0"),
    ("minus-one", b"-1"),
    ("int64-min", b"-9223372036854775808"),
    ("below-int64-min", b"-9223372036854775809"),
    ("two-to-63", b"9223372036854775808"),
    ("u64-max", b"18446744073709551615"),
    ("above-u64", b"18446744073709551616"),
    ("float-whole", b"1.0"),
    ("float-exponent", b"1e3"),
    ("float-fraction", b"134217728.5"),
    ("string", b'"134217728"'),
    ("string-empty", b'""'),
    ("null", b"null"),
    ("true", b"true"),
    ("false", b"false"),
    ("list", b"[]"),
    ("list-of-one", b"[134217728]"),
    ("object", b"{}"),
    ("leading-zeros", b"00"),
    ("two-to-40", b"1099511627776"),
    ("int64-max", b"9223372036854775807"),
):
    add("balloon-" + _name, "4.1, 4.4, 4.5", FULL, balloon(_value))

for _name, _arguments in (
    ("no-arguments", b""),
    ("empty-arguments", b',"arguments":{}'),
    ("extra-argument", b',"arguments":{"value":134217728,"extra":1}'),
    ("only-extra-argument", b',"arguments":{"extra":1}'),
    ("wrong-type-and-extra", b',"arguments":{"value":"x","extra":1}'),
    ("value-wrong-case", b',"arguments":{"Value":134217728}'),
    ("list-arguments", b',"arguments":[1]'),
    ("null-arguments", b',"arguments":null'),
    ("duplicate-value", b',"arguments":{"value":1,"value":1}'),
):

    def _run(talk, arguments=_arguments):
        talk.client().raw(b'{"execute":"balloon"' + arguments + b"}")

    add("balloon-" + _name, "4.6", FULL, _run)


@case("1.2 query-balloon of a guest at full size", FULL)
def query_balloon(talk):
    talk.client().cmd("query-balloon")


@case("1.2 query-balloon takes nothing", FULL)
def query_balloon_extra_argument(talk):
    talk.client().cmd("query-balloon", x=1)


@case("4.3 the machine's own size", FULL)
def balloon_all(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram)
    client.becomes(talk.ram)


@case("4.3 the machine's own size gives everything back", FULL)
def balloon_all_after_less(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 64 * MIB)
    client.becomes(talk.ram - 64 * MIB)
    client.cmd("balloon", value=talk.ram)
    client.becomes(talk.ram)


@case("4.4 more than the machine has is the machine's size", FULL)
def balloon_one_byte_more(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.becomes(talk.ram - 16 * MIB)
    client.cmd("balloon", value=talk.ram + 1)
    client.becomes(talk.ram)


@case("4.4 the largest integer is the machine's size", FULL)
def balloon_int64_max_after_less(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.becomes(talk.ram - 16 * MIB)
    client.cmd("balloon", value=INT64_MAX)
    client.becomes(talk.ram)


for _name, _offset in (
    ("page-minus-one", -1),
    ("page", 0),
    ("page-plus-one", 1),
    ("page-plus-1024", 1024),
    ("page-plus-4095", 4095),
):

    def _round(talk, offset=_offset):
        client = talk.client()
        target = talk.ram - 32 * MIB + offset
        client.cmd("balloon", value=target)
        client.becomes((target + 4095) & ~4095)

    add("balloon-rounds-" + _name, "4.7 sizes are rounded up to 4 KiB", FULL, _round)


@case("1.1 a size that is no multiple of a MiB", FULL)
def balloon_odd_pages(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 12345 * 4096)
    client.becomes(talk.ram - 12345 * 4096)


@case("1.1 one page less", FULL)
def balloon_one_page(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 4096)
    client.becomes(talk.ram - 4096)


@case("4.2 tiny sizes are accepted; taken back before the guest runs again", FULL)
def balloon_tiny(talk):
    client = talk.client()
    talk.machine.pause()
    for value in (1, 4095, 4096, 4097, MIB):
        client.cmd("balloon", value=value)
    client.cmd("balloon", value=talk.ram)
    talk.machine.resume()
    client.becomes(talk.ram)


@case("4.8 the same size twice", FULL)
def balloon_same_twice(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.becomes(talk.ram - 16 * MIB)
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.cmd("query-balloon")


@case("1.1 down, further down, a little up, all up", FULL)
def balloon_walk(talk):
    client = talk.client()
    for less in (32, 64, 48, 0):
        client.cmd("balloon", value=talk.ram - less * MIB)
        client.becomes(talk.ram - less * MIB)


@case("4.9 of two clients the last wins", FULL)
def balloon_two_clients(talk):
    first, second = talk.client(name="A"), talk.client(name="B")
    first.cmd("balloon", value=talk.ram - 32 * MIB)
    second.cmd("balloon", value=talk.ram - 16 * MIB)
    first.becomes(talk.ram - 16 * MIB)
    second.cmd("query-balloon")


@case("4.9 a new request before the last is reached", FULL)
def balloon_changed_mind(talk):
    client = talk.client()
    for less in (96, 8, 64, 24):
        client.cmd("balloon", value=talk.ram - less * MIB)
    client.becomes(talk.ram - 24 * MIB)


@case("4.12 a request is carried out though its client vanishes", FULL)
def balloon_client_vanishes(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.close()
    talk.client().becomes(talk.ram - 16 * MIB)


# 4.13: no balloon device

for _name, _value in (("positive", b"134217728"), ("zero", b"0"), ("negative", b"-1"), ("string", b'"x"')):

    def _deviceless(talk, value=_value):
        talk.client().raw(b'{"execute":"balloon","arguments":{"value":%s}}' % value)

    add("deviceless-balloon-" + _name, "4.13", DEVICELESS, _deviceless)

for _name, _command, _arguments in (
    ("query-balloon", "query-balloon", {}),
    ("no-value", "balloon", {}),
    ("extra", "balloon", {"value": 1, "x": 1}),
    ("query-balloon-extra", "query-balloon", {"x": 1}),
    ("info-balloon", "human-monitor-command", {"command_line": "info balloon"}),
    ("hmp-balloon", "human-monitor-command", {"command_line": "balloon 100"}),
    ("qom-get", "qom-get", {"path": "/machine/peripheral/balloon0", "property": "guest-stats"}),
    (
        "qom-set",
        "qom-set",
        {
            "path": "/machine/peripheral/balloon0",
            "property": "guest-stats-polling-interval",
            "value": 1,
        },
    ),
):

    def _deviceless_command(talk, command=_command, arguments=_arguments):
        talk.client().cmd(command, **arguments)

    add("deviceless-" + _name, "4.13", DEVICELESS, _deviceless_command)


@case("4.13 the rest of the monitor works without a balloon", DEVICELESS)
def deviceless_others(talk):
    client = talk.client()
    client.cmd("query-status")
    client.cmd("query-memory-size-summary")


# 4.14, 4.15: no driver in the guest, later one


@case("4.14 without a driver a request is accepted and nothing happens", DRIVERLESS)
def driverless_balloon(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 32 * MIB)
    client.no_event()
    client.cmd("query-balloon")
    client.cmd("balloon", value=talk.ram)


@case("4.14 without a driver the last request is remembered, refused ones are not", DRIVERLESS)
def driverless_errors(talk):
    client = talk.client()
    client.cmd("balloon", value=0)
    client.cmd("balloon", value=-1)
    client.cmd("query-balloon")


@case("4.15 a driver that loads later carries the request out", DRIVERLESS, spoils=True)
def driver_loads_later(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 32 * MIB)
    talk.machine.load_driver()
    client.balloon_event(talk.ram - 32 * MIB, timeout=180)
    client.becomes(talk.ram - 32 * MIB)
