# SPDX-License-Identifier: LGPL-2.1-or-later
"""BALLOON_CHANGE: section 1.3, 1.4, 4.9, 4.10, 4.32 and 5.7."""

from cases import FULL, case
from talk import MIB


@case("1.3 an event for a request, with its shape", FULL)
def event_on_shrink(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 32 * MIB)
    client.balloon_event(talk.ram - 32 * MIB)


@case("1.3 growing gives events too", FULL)
def event_on_growth(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 32 * MIB)
    client.balloon_event(talk.ram - 32 * MIB)
    client.forget_events()
    client.cmd("balloon", value=talk.ram)
    client.balloon_event(talk.ram)
    client.stream(talk.ram - 32 * MIB)


@case("1.4 a large change: values fall, at most one event a second, the last is the target", FULL)
def event_stream_falls(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 96 * MIB)
    client.balloon_event(talk.ram - 96 * MIB)
    client.stream(talk.ram)


@case("1.3 query-balloon agrees with the last event", FULL)
def event_and_query_agree(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 20 * MIB)
    client.balloon_event(talk.ram - 20 * MIB)
    client.cmd("query-balloon")


@case("4.8 the same size again gives no event", FULL)
def no_event_for_same_size(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.balloon_event(talk.ram - 16 * MIB)
    client.forget_events()
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.no_event()


@case("4.1 a refused value gives no event", FULL)
def no_event_for_refused_value(talk):
    client = talk.client()
    client.cmd("balloon", value=0)
    client.cmd("balloon", value=-1)
    client.no_event()


@case("4.4 full size of a full guest gives no event", FULL)
def no_event_for_full_size(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram + 4096)
    client.no_event()


@case("1.3 a guest that is left alone gives no event", FULL)
def no_event_when_idle(talk):
    talk.client().no_event(6)


@case("4.9 every client gets the event", FULL)
def event_reaches_all_clients(talk):
    clients = [talk.client(name=name) for name in "ABC"]
    clients[0].cmd("balloon", value=talk.ram - 16 * MIB)
    for client in clients:
        client.balloon_event(talk.ram - 16 * MIB)


@case("4.10 a client that has not negotiated gets none", FULL)
def no_event_before_negotiation(talk):
    silent = talk.client(negotiate=False, name="silent")
    silent.greeting()
    client = talk.client(name="A")
    client.cmd("balloon", value=talk.ram - 16 * MIB)
    client.balloon_event(talk.ram - 16 * MIB)
    silent.no_event()


@case("4.10 a client that comes later gets no old events", FULL)
def no_old_events(talk):
    first = talk.client(name="A")
    first.cmd("balloon", value=talk.ram - 16 * MIB)
    first.balloon_event(talk.ram - 16 * MIB)
    # The last event of the throttle may still be on its way: let it pass.
    first.connection.drain(1.5)
    second = talk.client(name="B")
    second.no_event()
    second.cmd("query-balloon")


@case("4.32 a burst of a hundred requests: few events, the last value is not lost", FULL)
def event_burst(talk):
    client = talk.client()
    for step in range(100):
        client.silent("balloon", value=talk.ram - (step % 8 + 1) * MIB)
    client.cmd("balloon", value=talk.ram - 40 * MIB)
    client.balloon_event(talk.ram - 40 * MIB)
    count = len(client.balloon_events())
    client.stream(talk.ram)
    # The direction of a burst depends on how fast the guest is.
    talk.log[-1].pop("direction")
    client.note(fewer_than_requests=count < 100)


@case("1.4 two changes within a second: the second event comes late, with the time of its making", FULL)
def event_throttled_keeps_its_time(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 4 * MIB)
    client.connection.wait_event(lambda event: event["event"] == "BALLOON_CHANGE", 60)
    client.cmd("balloon", value=talk.ram - 8 * MIB)
    client.balloon_event(talk.ram - 8 * MIB)
    client.stream(talk.ram)


@case("4.18 a guest that changes its size by itself", FULL)
def guest_shrinks_itself(talk):
    client = talk.client()
    talk.machine.guest_sets(talk.ram - 24 * MIB)
    client.balloon_event(talk.ram - 24 * MIB)
    client.cmd("query-balloon")


@case("4.18 a guest that takes back what was asked of it", FULL)
def guest_takes_back(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 24 * MIB)
    client.balloon_event(talk.ram - 24 * MIB)
    client.forget_events()
    talk.machine.guest_sets(talk.ram)
    client.balloon_event(talk.ram)
    client.cmd("query-balloon")


@case("5.7 members of an event", FULL)
def event_members(talk):
    client = talk.client()
    client.cmd("balloon", value=talk.ram - 8 * MIB)
    event = client.connection.wait_event(lambda event: event["event"] == "BALLOON_CHANGE", 60)
    client.note(
        members=sorted(event),
        data=sorted(event["data"]),
        timestamp=sorted(event["timestamp"]),
        integer=isinstance(event["data"]["actual"], int),
    )
