# SPDX-License-Identifier: LGPL-2.1-or-later
"""The list of cases. A case is a function that talks to a machine; its name stands in the golden file and in
docs/parity-differences.md."""

# What a case needs of the machine before it starts:
WIRE = "wire"  # a server that speaks QMP; the guest does not matter and is not changed
FULL = "full"  # a running guest with its driver, at full size, no event pending
DRIVERLESS = "driverless"  # a guest whose driver has not been loaded since it was created
DEVICELESS = "deviceless"  # a machine without a balloon

SCENARIOS = (WIRE, FULL, DRIVERLESS, DEVICELESS)


class Case:
    def __init__(self, name, about, scenario, run, spoils):
        self.name = name
        self.about = about  # section of the specification, what must hold
        self.scenario = scenario
        self.run = run
        self.spoils = spoils  # the machine must be started anew afterwards
        self.slow_on = ()  # kinds of machines on which it takes minutes
        self.deadly = False  # a guest may die of it before it has shown what it should: then it is tried again


CASES = {}


def add(name, about, scenario, run, spoils=False):
    if name in CASES:
        raise ValueError("two cases named " + name)
    CASES[name] = Case(name, about, scenario, run, spoils)


def case(about, scenario, spoils=False):
    """Decorator: the function's name with dashes is the case's name."""

    def register(function):
        add(function.__name__.replace("_", "-"), about, scenario, function, spoils)
        return function

    return register


def load():
    """Import every file of cases; returns them in the order of the scenarios."""
    import cases_balloon  # noqa: F401
    import cases_commands  # noqa: F401
    import cases_events  # noqa: F401
    import cases_guest  # noqa: F401
    import cases_negotiation  # noqa: F401
    import cases_stats  # noqa: F401
    import cases_wire  # noqa: F401

    return sorted(CASES.values(), key=lambda item: (SCENARIOS.index(item.scenario), item.spoils))
