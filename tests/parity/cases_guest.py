# SPDX-License-Identifier: LGPL-2.1-or-later
"""What guests do: section 1.7 to 1.13, 4.16 to 4.31 and 4.34."""

import time

from cases import CASES, FULL, add, case
from talk import MIB


@case("4.26 a guest that boots gives no event", FULL, spoils=True)
def boot_gives_no_event(talk):
    talk.machine.restart()
    client = talk.client()
    talk.machine.wait_driver()
    client.connection.drain(4)
    client.note(balloon_events=len(client.balloon_events()))
    client.cmd("query-balloon")


@case("4.16 a guest that cannot give: no error, it stops short, no event says it is done", FULL, spoils=True)
def guest_cannot_give(talk):
    client = talk.client()
    talk.machine.fill(64 * MIB, 3600)
    target = talk.ram - 96 * MIB
    client.note(got=client.silent("balloon", value=target))
    # Long enough for a driver that is able to.
    client.connection.drain(15)
    now = client.silent("query-balloon")["return"]["actual"]
    client.note(short=target < now < talk.ram)
    reached = [event for _, event in client.balloon_events() if event["data"]["actual"] == target]
    client.note(done_event=bool(reached))


@case("4.16, 4.8 asked again when it can, the guest gives", FULL, spoils=True)
def guest_can_give_later(talk):
    client = talk.client()
    # It lets go by itself: a guest without memory cannot be told to.
    talk.machine.fill(64 * MIB, 30)
    target = talk.ram - 96 * MIB
    client.silent("balloon", value=target)
    client.connection.drain(35)
    client.note(got=client.silent("balloon", value=target))
    client.becomes(target)


@case("4.17 a request that leaves a guest too little", FULL, spoils=True)
def far_too_little(talk):
    client = talk.client()
    client.note(got=client.silent("balloon", value=8 * MIB))
    client.connection.drain(10)
    try:
        now = client.silent("query-balloon")["return"]["actual"]
        client.note(short_of_request=8 * MIB < now < talk.ram)
    except Exception as error:  # the guest may be gone: that is what is compared
        client.note(connection=type(error).__name__)


@case("4.19 a guest that says it has more than the machine", FULL, spoils=True)
def nonsense_actual(talk):
    client = talk.client()
    talk.machine.guest_says_pages(0xFFFFFFFF)
    client.connection.drain(3)
    client.note(events=[event["data"] for _, event in client.balloon_events()])
    reply = client.silent("query-balloon")
    client.note(got=reply)


@case("4.20 the driver goes: everything comes back with an event, the request stays", FULL)
def driver_goes(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 24 * MIB)
    client.balloon_event(talk.ram - 24 * MIB)
    client.forget_events()
    talk.machine.unload_driver()
    client.balloon_event(talk.ram)
    talk.machine.load_driver()
    client.balloon_event(talk.ram - 24 * MIB)


@case("4.21 a guest that reboots with a full balloon", FULL, spoils=True)
def reboot_inflated(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 24 * MIB)
    client.balloon_event(talk.ram - 24 * MIB)
    client.forget_events()
    talk.machine.reboot()
    client.event("RESET", 20)
    client.end_of_connection(10)
    second = talk.client(name="after")
    second.becomes(talk.ram - 24 * MIB, 30)


@case("4.22 a guest that switches itself off", FULL, spoils=True)
def guest_switches_off(talk):
    client = talk.client()
    talk.machine.power_off()
    client.event("SHUTDOWN", 60)
    client.end_of_connection()


@case("4.22 a guest that is gone in the middle of a change", FULL, spoils=True)
def guest_destroyed_while_changing(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 96 * MIB)
    talk.machine.destroy()
    client.event("SHUTDOWN", 60)
    client.end_of_connection()


@case("4.23 a paused guest: accepted, nothing moves, done when it runs again", FULL)
def paused_request(talk):
    client = talk.client()
    client.cmd("stop")
    client.event("STOP")
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.forget_events()
    client.no_event()
    client.cmd("query-balloon")
    client.cmd("cont")
    client.balloon_event(talk.ram - 16 * MIB)


@case("4.23 of requests made to a paused guest the last counts", FULL)
def paused_requests(talk):
    client = talk.client()
    client.silent("stop")
    for less in (64, 32, 8):
        client.cmd("balloon", value=talk.ram - less * MIB)
    client.silent("cont")
    client.becomes(talk.ram - 8 * MIB)


@case("4.24 saved and restored: size and request are the same", FULL, spoils=True)
def save_and_restore(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 24 * MIB)
    client.becomes(talk.ram - 24 * MIB)
    client.cmd(
        "qom-set", path="/machine/peripheral/balloon0", property="guest-stats-polling-interval", value=7
    )
    talk.machine.save_and_restore()
    second = talk.client(name="restored")
    second.cmd("query-balloon")
    second.cmd(
        "qom-get", path="/machine/peripheral/balloon0", property="guest-stats-polling-interval"
    )
    second.cmd("balloon", value=talk.ram - 8 * MIB)
    second.becomes(talk.ram - 8 * MIB)


# 4.25, 4.34: what is kept outside the guest is in disorder. QEMU keeps nothing outside, so the answer is
# that of an undisturbed machine.


def disordered(kind):
    def run(talk):
        client = talk.client()
        talk.machine.disorder(kind)
        try:
            client.cmd("query-balloon")
            client.cmd("query-memory-size-summary")
            client.cmd("balloon", value=talk.ram - 16 * MIB)
            client.becomes(talk.ram - 16 * MIB)
            client.cmd("balloon", value=talk.ram)
            client.becomes(talk.ram)
        finally:
            talk.machine.order(kind)

    return run


for _kind in (
    "target-words",
    "target-empty",
    "target-negative",
    "target-huge",
    "static-max-words",
    "static-max-removed",
    "videoram-minus-one",
    "videoram-removed",
    "record-storm",
):
    add("disorder-" + _kind, "4.25, 4.34", FULL, disordered(_kind))


@case("4.25 the record of the request vanishes: as without a balloon, until it is back", FULL)
def disorder_target_removed(talk):
    client = talk.client()
    talk.machine.disorder("target-removed")
    try:
        client.cmd("query-status")
    finally:
        talk.machine.order("target-removed")
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.becomes(talk.ram - 16 * MIB)


# A kernel without memory may kill what it cannot do without.
for _name in ("guest-cannot-give", "guest-can-give-later"):
    CASES[_name].deadly = True
