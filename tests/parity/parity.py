#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Is a QMP server's balloon that of QEMU? Runs the cases against a machine and compares transcripts."""

import argparse
import json
import os
import subprocess
import sys
import time
import traceback

import cases
import compare
from machine import Server, Unavailable
from talk import Talk
from wire import Closed

# Of a case whose guest died of it where it must not.
TRIES = 2
DEADLY_TRIES = 3


def chosen(arguments):
    wanted = cases.load()
    if arguments.scenario:
        wanted = [case for case in wanted if case.scenario in arguments.scenario.split(",")]
    if arguments.case:
        wanted = [case for case in wanted if any(case.name.startswith(name) for name in arguments.case)]
    return wanted


def run_case(machine, case):
    """Returns the transcript. What went wrong stands in it, and is never taken as equal."""
    for left in reversed(range(DEADLY_TRIES if case.deadly else TRIES)):
        log = try_case(machine, case, last=not left)
        if log is not None:
            return log
        print("          %s: the guest has died, once more" % case.name, flush=True)


def try_case(machine, case, last):
    """None: the guest died where it must not, and there is another try."""
    talk = None
    try:
        machine.enter(case.scenario)
        talk = Talk(machine)
        case.run(talk)
    except Unavailable as error:
        talk = talk or Talk(machine)
        talk.note(unavailable=str(error))
    except Exception as error:
        if not last and (machine.is_gone() or (case.deadly and isinstance(error, Closed))):
            if talk:
                talk.close()
            machine.spoiled()
            return None
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
            if machine.kind in case.slow_on and not arguments.slow:
                continue
            started = time.monotonic()
            log = run_case(machine, case)
            if machine.kind == "server" and any("unavailable" in entry for entry in log):
                continue
            result["cases"][case.name] = {"about": case.about, "log": log}
            wrong = [entry["failed"] for entry in log if "failed" in entry]
            failed += bool(wrong)
            print("%6.1f s  %s%s" % (time.monotonic() - started, case.name, "  FAILED: " + wrong[0] if wrong else ""))
            sys.stdout.flush()
            # What takes long may be ended from outside: keep what there is.
            if len(result["cases"]) % 20 == 0:
                write(arguments.out, result)
    finally:
        machine.close()
        write(arguments.out, result)
    print("%d cases recorded, %d failed" % (len(result["cases"]), failed))
    return 1 if failed else 0


def write(path, result):
    with open(path + ".new", "w") as out:
        out.write(lines(result))
    os.replace(path + ".new", path)


def lines(result):
    """One case a line group: a file that can be read and whose changes can be reviewed."""
    head = '{"SPDX-License-Identifier": "LGPL-2.1-or-later", "machine": %s, "cases": {\n' % json.dumps(result["machine"])
    items = []
    for name, case in sorted(result["cases"].items()):
        entries = ",\n    ".join(json.dumps(entry, sort_keys=True) for entry in case["log"])
        items.append('"%s": {"about": %s, "log": [\n    %s]}' % (name, json.dumps(case["about"]), entries))
    return head + ",\n".join(items) + "\n}}\n"


def compare_recorded(arguments):
    """Transcripts of QEMU that a fresh run left out (slow ones) are those of the golden file."""
    qemu = compare.read(arguments.qemu)
    if arguments.golden:
        golden = compare.read(arguments.golden)
        drifted = [
            name
            for name, case in qemu["cases"].items()
            if compare.essence(case["log"]) != compare.essence(golden["cases"].get(name, {"log": []})["log"])
        ]
        for name in drifted:
            print("QEMU itself answers otherwise than recorded: " + name)
        qemu["cases"] = {**golden["cases"], **qemu["cases"]}
    machines = [compare.read(path) for path in arguments.recorded]
    report = compare.compare(qemu, machines, compare.intended(arguments.differences))
    if arguments.tap:
        compare.tap(report, sys.stdout)
        return 1 if report["unintended"] or report["missing"] else 0
    with open(arguments.out, "w") as out:
        json.dump(report, out, indent=1)
        out.write("\n")
    compare.show(report, sys.stdout)
    print("%d cases, %d comparisons: %d equal, %d differing (%d as intended), see %s" % (
        report["cases"], report["comparisons"], report["equal"], report["differing"], report["intended"], arguments.out
    ))
    return 1 if report["unintended"] or report["missing"] or not report["comparisons"] else 0


def merge(arguments):
    results = [compare.read(path) for path in arguments.recorded]
    known = {case.name for case in cases.load()}
    whole = {name: case for result in results for name, case in result["cases"].items() if name in known}
    write(arguments.out, {"machine": results[0]["machine"], "cases": whole})
    print("%d cases, without %s" % (len(whole), ", ".join(sorted(known - set(whole))) or "none missing"))
    return 0


def around(arguments):
    machine = make_machine(argparse.Namespace(machine="qemu", **vars(arguments)))
    try:
        machine.enter("full")
        monitor = machine.path("qmp%d" % (len(machine.sockets)))
        return subprocess.run([monitor if word == "@" else word for word in arguments.command]).returncode
    finally:
        machine.close()


def make_machine(arguments):
    if arguments.machine == "qemu":
        from qemu import Qemu

        return Qemu(arguments.kernel, arguments.initramfs, arguments.folder)
    if arguments.machine == "xen":
        from xen import Xen

        return Xen(arguments.type, arguments.folder)
    return Server(arguments.program, arguments.folder, arguments.qemu_version)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("record", help="run cases, write transcripts")
    verb.add_argument("machine", choices=("qemu", "xen", "server"))
    verb.add_argument("--kernel", help="qemu: the guest's kernel")
    verb.add_argument("--initramfs", help="qemu: the guest's initramfs, see guest-image")
    verb.add_argument("--folder", default="build/parity", help="for sockets, logs and saved state")
    verb.add_argument("--type", choices=("pv", "pvh", "hvm"), default="pv", help="xen: type of guest")
    verb.add_argument("--program", default="build/tests/qmp-server", help="server: the program")
    verb.add_argument("--qemu-version", choices=("7.2", "10.0"), default="7.2", help="server: whose monitor it mirrors")
    verb.add_argument("--as-name", help="name of the machine in the result")
    verb.add_argument("--slow", action="store_true", help="also the cases that take QEMU minutes")
    verb.add_argument("--out", required=True)
    listing = verbs.add_parser("list", help="name the cases")
    for each in (verb, listing):
        each.add_argument("--scenario", help="only cases of these, comma separated: " + ", ".join(cases.SCENARIOS))
        each.add_argument("--case", nargs="*", help="only cases whose name begins so")
    verb = verbs.add_parser("merge", help="put transcripts of one machine together, later ones count")
    verb.add_argument("--out", required=True)
    verb.add_argument("recorded", nargs="+")
    verb = verbs.add_parser("around", help="run a command while QEMU's guest runs; @ in it is the path of a monitor")
    verb.add_argument("--kernel", required=True)
    verb.add_argument("--initramfs", required=True)
    verb.add_argument("--folder", default="build/parity/around")
    verb.add_argument("command", nargs="+")
    verb = verbs.add_parser("compare", help="compare transcripts with those of QEMU")
    verb.add_argument("--qemu", required=True, help="transcripts of QEMU")
    verb.add_argument("--golden", help="transcripts of QEMU for what --qemu lacks; differences from it are told")
    verb.add_argument("--differences", default="docs/parity-differences.md")
    verb.add_argument("--out", default="build/parity.json")
    verb.add_argument("--tap", action="store_true", help="say it in TAP, a line for each case, and write nothing")
    verb.add_argument("recorded", nargs="+")
    arguments = parser.parse_args()
    if arguments.verb in ("compare", "merge", "around"):
        return {"compare": compare_recorded, "merge": merge, "around": around}[arguments.verb](arguments)
    if arguments.verb == "list":
        for case in chosen(arguments):
            print("%-10s  %-44s  %s" % (case.scenario, case.name, case.about))
        return 0
    return record(arguments)


if __name__ == "__main__":
    sys.exit(main())
