# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guest statistics and the objects they hang on: section 1.5, 4.33 and 4.35."""

import time

from cases import DRIVERLESS, FULL, add, case
from talk import STATS_7_2, UNSET

PATH = "/machine/peripheral/balloon0"
INTERVAL = "guest-stats-polling-interval"


def get(path, prop):
    return lambda talk: talk.client().cmd("qom-get", path=path, property=prop)


def set_and_read(value):
    def run(talk):
        client = talk.client()
        client.raw(
            b'{"execute":"qom-set","arguments":{"path":"%s","property":"%s","value":%s}}'
            % (PATH.encode(), INTERVAL.encode(), value)
        )
        client.cmd("qom-get", path=PATH, property=INTERVAL)
        client.silent("qom-set", path=PATH, property=INTERVAL, value=0)

    return run


for _name, _value in (
    ("zero", b"0"),
    ("two", b"2"),
    ("u32-max", b"4294967295"),
    ("above-u32", b"4294967296"),
    ("int64-max", b"9223372036854775807"),
    ("above-int64", b"9223372036854775808"),
    ("negative", b"-1"),
    ("string", b'"2"'),
    ("float", b"1.5"),
    ("null", b"null"),
    ("true", b"true"),
    ("list", b"[1]"),
):
    add("interval-" + _name, "4.33", FULL, set_and_read(_value))

for _name, _command, _arguments in (
    ("qom-get-unknown-path", "qom-get", {"path": "/machine/peripheral/x", "property": "guest-stats"}),
    ("qom-get-unknown-property", "qom-get", {"path": PATH, "property": "nope"}),
    ("qom-get-empty-property", "qom-get", {"path": PATH, "property": ""}),
    ("qom-get-empty-path", "qom-get", {"path": "", "property": "guest-stats"}),
    ("qom-get-path-with-slash-at-end", "qom-get", {"path": PATH + "/", "property": INTERVAL}),
    ("qom-get-no-leading-slash", "qom-get", {"path": PATH[1:], "property": INTERVAL}),
    ("qom-get-partial-path", "qom-get", {"path": "balloon0", "property": INTERVAL}),
    ("qom-get-type", "qom-get", {"path": PATH, "property": "type"}),
    ("qom-get-no-property", "qom-get", {"path": PATH}),
    ("qom-get-no-path", "qom-get", {"property": "guest-stats"}),
    ("qom-get-path-integer", "qom-get", {"path": 1, "property": "guest-stats"}),
    ("qom-get-extra", "qom-get", {"path": PATH, "property": INTERVAL, "x": 1}),
    ("qom-set-not-writable", "qom-set", {"path": PATH, "property": "guest-stats", "value": 1}),
    ("qom-set-unknown-path", "qom-set", {"path": "/machine/x", "property": INTERVAL, "value": 1}),
    ("qom-set-unknown-property", "qom-set", {"path": PATH, "property": "nope", "value": 1}),
    ("qom-set-no-value", "qom-set", {"path": PATH, "property": INTERVAL}),
    ("qom-set-extra", "qom-set", {"path": PATH, "property": INTERVAL, "value": 1, "x": 1}),
    ("qom-list-unknown-path", "qom-list", {"path": "/machine/nowhere"}),
    ("qom-list-no-path", "qom-list", {}),
    ("qom-list-path-integer", "qom-list", {"path": 1}),
):

    def _run(talk, command=_command, arguments=_arguments):
        talk.client().cmd(command, **arguments)

    add(_name, "1.5, 5.11", FULL, _run)


def listed(path, names):
    """Which of names qom-list shows there, with their types."""

    def show(value):
        return sorted((item["name"], item["type"]) for item in value if item["name"] in names)

    return lambda talk: talk.client().cmd("qom-list", show, path=path)


add("qom-list-root", "5.11", FULL, listed("/", ["machine", "type"]))
add("qom-list-machine", "5.11", FULL, listed("/machine", ["peripheral", "peripheral-anon"]))
add("qom-list-peripheral", "5.11", FULL, listed("/machine/peripheral", ["balloon0", "type"]))
add("qom-list-peripheral-anon", "5.11", FULL, listed("/machine/peripheral-anon", ["type"]))
add("qom-list-balloon", "5.11", FULL, listed(PATH, ["guest-stats", INTERVAL, "type"]))


def polled(client, wanted, timeout=60):
    """guest-stats as soon as wanted(guest-stats) is true."""
    end = time.monotonic() + timeout
    while True:
        value = client.silent("qom-get", path=PATH, property="guest-stats")["return"]
        if wanted(value) or time.monotonic() > end:
            return value
        time.sleep(0.2)


def interval(client, value):
    client.cmd("qom-set", path=PATH, property=INTERVAL, value=value)


def fresh(talk):
    return lambda value: value["last-update"] >= int(talk.started)


@case("1.5 polling brings figures", FULL)
def stats_polled(talk):
    client = talk.client()
    interval(client, 1)
    client.note(stats=talk.plain(polled(client, fresh(talk))))
    interval(client, 0)


@case("1.5 the names of the figures", FULL)
def stats_names(talk):
    client = talk.client()
    client.cmd("qom-get", lambda value: sorted(value["stats"]), path=PATH, property="guest-stats")


@case("1.5 the members of guest-stats", FULL)
def stats_members(talk):
    talk.client().cmd("qom-get", sorted, path=PATH, property="guest-stats")


@case("1.5 the figures are those of this guest, in bytes", FULL)
def stats_are_plausible(talk):
    client = talk.client()
    interval(client, 1)
    stats = polled(client, fresh(talk))["stats"]
    interval(client, 0)
    total, free = stats["stat-total-memory"], stats["stat-free-memory"]
    client.note(
        total=talk.ram // 2 < total <= talk.ram,
        free=0 < free < total,
        available=0 < stats["stat-available-memory"] <= total,
        caches=0 < stats["stat-disk-caches"] < total,
        faults=stats["stat-minor-faults"] > 0,
        no_swap=stats["stat-swap-in"] == stats["stat-swap-out"] == 0,
    )


@case("1.5 figures follow the balloon", FULL)
def stats_follow_the_balloon(talk):
    client = talk.client()
    interval(client, 1)
    before = polled(client, fresh(talk))["stats"]["stat-total-memory"]
    client.cmd("balloon", value=talk.ram - (32 << 20))
    client.becomes(talk.ram - (32 << 20))
    after = polled(client, lambda value: value["stats"]["stat-total-memory"] == before - (32 << 20))
    client.note(total_fell_by=before - after["stats"]["stat-total-memory"])
    interval(client, 0)


@case("1.5 figures keep coming", FULL)
def stats_keep_coming(talk):
    client = talk.client()
    interval(client, 1)
    first = polled(client, fresh(talk))["last-update"]
    # A guest that is quite idle may say nothing new: give it something to say.
    talk.machine.guest_works()
    later = polled(client, lambda value: value["last-update"] >= first + 2)["last-update"]
    client.note(later=later >= first + 2)
    interval(client, 0)


@case("1.5 polling that is switched off stops, the last figures stay", FULL)
def stats_stay_when_off(talk):
    client = talk.client()
    interval(client, 1)
    polled(client, fresh(talk))
    interval(client, 0)
    # One report may still be under way.
    time.sleep(1.5)
    before = polled(client, lambda value: True)
    talk.machine.guest_works()
    time.sleep(3)
    after = polled(client, lambda value: True)
    client.note(same=before == after, stats=talk.plain(after))


@case("1.5 the same interval again changes nothing", FULL)
def interval_same_again(talk):
    client = talk.client()
    interval(client, 5)
    interval(client, 5)
    client.cmd("qom-get", path=PATH, property=INTERVAL)
    interval(client, 0)


@case("1.5 the interval is one for all clients", FULL)
def interval_is_shared(talk):
    first, second = talk.client(name="A"), talk.client(name="B")
    interval(first, 3)
    second.cmd("qom-get", path=PATH, property=INTERVAL)
    interval(second, 0)


@case("1.5 the interval survives the client that set it", FULL)
def interval_survives_client(talk):
    first = talk.client(name="A")
    interval(first, 3)
    first.close()
    second = talk.client(name="B")
    second.cmd("qom-get", path=PATH, property=INTERVAL)
    interval(second, 0)


@case("1.5 a stopped guest is not polled", FULL)
def stats_of_stopped_guest(talk):
    client = talk.client()
    interval(client, 1)
    polled(client, fresh(talk))
    client.cmd("stop")
    time.sleep(1.5)
    before = polled(client, lambda value: True)["last-update"]
    time.sleep(3)
    after = polled(client, lambda value: True)["last-update"]
    client.note(same=before == after)
    client.cmd("cont")
    interval(client, 0)


@case("4.33 without a driver the figures are unset", DRIVERLESS)
def driverless_stats(talk):
    get(PATH, "guest-stats")(talk)


@case("4.33 unset is the largest u64 on the wire", DRIVERLESS)
def driverless_stats_value(talk):
    client = talk.client()
    value = client.silent("qom-get", path=PATH, property="guest-stats")["return"]
    client.note(unset=sorted(set(value["stats"].values())) == [UNSET])


@case("4.33 without a driver polling may be switched on, and nothing comes", DRIVERLESS)
def driverless_polling(talk):
    client = talk.client()
    interval(client, 1)
    time.sleep(3)
    client.cmd("qom-get", path=PATH, property="guest-stats")
    client.cmd("qom-get", path=PATH, property=INTERVAL)
    interval(client, 0)


@case("1.5, 4.20 who reports goes away: the last figures stay", FULL)
def stats_after_reporter_left(talk):
    client = talk.client()
    interval(client, 1)
    polled(client, fresh(talk))
    interval(client, 0)
    time.sleep(1.5)
    before = polled(client, lambda value: True)
    talk.machine.stop_reporter()
    time.sleep(2)
    after = polled(client, lambda value: True)
    client.note(same=before == after)
    talk.machine.start_reporter()


def hostile(kind):
    def run(talk):
        client = talk.client()
        interval(client, 1)
        talk.machine.hostile_stats(kind)
        time.sleep(2)
        value = client.silent("qom-get", path=PATH, property="guest-stats")["return"]
        client.note(
            u64=all(
                isinstance(figure, int) and 0 <= figure <= UNSET for figure in value["stats"].values()
            ),
            free_is_possible=value["stats"]["stat-free-memory"] in range(talk.ram + 1)
            or value["stats"]["stat-free-memory"] == UNSET,
        )
        client.cmd("query-balloon")
        interval(client, 0)

    return run


for _kind in ("words", "negative", "huge", "binary", "long", "many-lines", "empty", "repeated"):
    add("stats-hostile-" + _kind, "4.35 what a hostile guest writes does no harm", FULL, hostile(_kind))


def loaded(load):
    """What the agent reads of the guest's kernel shortly before and after is, within 5 %, what arrives at the host. The
    figures are kept for whoever wants to see them, and not compared between machines."""

    def run(talk):
        client = talk.client()
        talk.machine.guest_load(load)
        before = agent_figures(talk.machine.agent_says())
        earlier = polled(client, lambda value: True)["last-update"]
        # The clock of last-update has whole seconds: let the one of an earlier report pass.
        time.sleep(max(0, earlier + 1 - time.time()))
        interval(client, 1)
        value = polled(client, lambda value: value["last-update"] > earlier)["stats"]
        interval(client, 0)
        after = agent_figures(talk.machine.agent_says())
        talk.machine.guest_load("none")
        host = {name[5:]: value[name] for name in STATS_7_2}
        client.note(
            within_5_percent={
                name: min(before[name], after[name]) * 0.95 <= host[name] <= max(before[name], after[name]) * 1.05
                for name in host
            },
            figures={name: [before[name], host[name], after[name]] for name in host},
        )

    return run


def agent_figures(text):
    return {name: int(figure) for name, figure in (line.split() for line in text.splitlines() if line)}


for _load in ("none", "anonymous", "files", "both"):
    add(
        "stats-are-those-of-the-kernel-load-" + _load,
        "must show: agent and virtio-balloon report the same for the same load",
        FULL,
        loaded(_load),
    )
