#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Is a QMP server's balloon that of QEMU? Runs the cases against a machine and compares transcripts."""

import argparse
import json
import os
import sys
import time
import traceback

import cases
from machine import Server, Unavailable
from talk import Talk


def chosen(arguments):
    wanted = cases.load()
    if arguments.scenario:
        wanted = [case for case in wanted if case.scenario in arguments.scenario.split(",")]
    if arguments.case:
        wanted = [case for case in wanted if any(case.name.startswith(name) for name in arguments.case)]
    return wanted


def run_case(machine, case):
    """Returns the transcript. What went wrong stands in it, and is never taken as equal."""
    talk = None
    try:
        machine.enter(case.scenario)
        talk = Talk(machine)
        case.run(talk)
    except Unavailable as error:
        talk = talk or Talk(machine)
        talk.note(unavailable=str(error))
    except Exception as error:
        talk = talk or Talk(machine)
        where = traceback.extract_tb(error.__traceback__)[-1]
        talk.note(failed="%s: %s (%s:%d)" % (type(error).__name__, error, os.path.basename(where[0]), where[1]))
        machine.spoiled()
    if talk:
        talk.close()
    if case.spoils:
        machine.spoiled()
    return talk.log


def record(arguments):
    machine = make_machine(arguments)
    result = {"machine": arguments.as_name or machine.kind, "cases": {}}
    failed = 0
    try:
        for case in chosen(arguments):
            started = time.monotonic()
            log = run_case(machine, case)
            result["cases"][case.name] = {"about": case.about, "log": log}
            wrong = [entry["failed"] for entry in log if "failed" in entry]
            failed += bool(wrong)
            print("%6.1f s  %s%s" % (time.monotonic() - started, case.name, "  FAILED: " + wrong[0] if wrong else ""))
            sys.stdout.flush()
    finally:
        machine.close()
    with open(arguments.out, "w") as out:
        out.write(lines(result))
    print("%d cases recorded, %d failed" % (len(result["cases"]), failed))
    return 1 if failed else 0


def lines(result):
    """One case a line group: a file that can be read and whose changes can be reviewed."""
    text = ['{"machine": %s, "cases": {' % json.dumps(result["machine"])]
    items = []
    for name, case in sorted(result["cases"].items()):
        entries = ",\n    ".join(json.dumps(entry, sort_keys=True) for entry in case["log"])
        items.append('"%s": {"about": %s, "log": [\n    %s]}' % (name, json.dumps(case["about"]), entries))
    return "\n".join(text) + "\n" + ",\n".join(items) + "\n}}\n"


def make_machine(arguments):
    if arguments.machine == "qemu":
        from qemu import Qemu

        return Qemu(arguments.kernel, arguments.initramfs, arguments.folder)
    if arguments.machine == "xen":
        from xen import Xen

        return Xen(arguments.type, arguments.folder)
    return Server(arguments.socket)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("record", help="run cases, write transcripts")
    verb.add_argument("machine", choices=("qemu", "xen", "server"))
    verb.add_argument("--kernel", help="qemu: the guest's kernel")
    verb.add_argument("--initramfs", help="qemu: the guest's initramfs, see guest-image")
    verb.add_argument("--folder", default="build/parity", help="for sockets, logs and saved state")
    verb.add_argument("--type", choices=("pv", "pvh", "hvm"), default="pv", help="xen: type of guest")
    verb.add_argument("--socket", help="server: path of the socket")
    verb.add_argument("--as-name", help="name of the machine in the result")
    verb.add_argument("--out", required=True)
    verb = [verb, verbs.add_parser("list", help="name the cases")]
    for each in verb:
        each.add_argument("--scenario", help="only cases of these, comma separated: " + ", ".join(cases.SCENARIOS))
        each.add_argument("--case", nargs="*", help="only cases whose name begins so")
    arguments = parser.parse_args()
    if arguments.verb == "list":
        for case in chosen(arguments):
            print("%-10s  %-44s  %s" % (case.scenario, case.name, case.about))
        return 0
    return record(arguments)


if __name__ == "__main__":
    sys.exit(main())
