# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the transcripts of machines with those of QEMU. Differences that are intended stand, each with its
reason, in a table of docs/parity-differences.md: | `case` | machines | reason |, machines being "all" or kinds
separated by blanks."""

import json
import re


def intended(path):
    """(case, machine or "all") -> reason."""
    reasons = {}
    with open(path) as text:
        for line in text:
            row = re.match(r"\| `([a-z0-9-]+)` \| ([a-z0-9 -]+?) \| (.+?) \|$", line)
            if row:
                for machine in row.group(2).split():
                    reasons[row.group(1), machine] = row.group(3)
    return reasons


def read(path):
    with open(path) as text:
        return json.load(text)


def essence(log):
    """A transcript without what is only there to be looked at."""
    return [{name: value for name, value in entry.items() if name != "figures"} for entry in log]


def compare(qemu, machines, reasons):
    """Returns the report for build/parity.json."""
    report = {"cases": 0, "equal": 0, "differing": 0, "intended": 0, "unintended": 0, "missing": 0, "machines": {}}
    names = [name for name in qemu["cases"]]
    listed = []
    used = set()
    for machine in machines:
        kind = machine["machine"]
        counts = {"cases": 0, "equal": 0, "intended": 0, "unintended": 0}
        for name in names:
            if name not in machine["cases"]:
                continue
            counts["cases"] += 1
            ours, theirs = machine["cases"][name]["log"], qemu["cases"][name]["log"]
            if essence(ours) == essence(theirs) and not any("failed" in entry for entry in theirs):
                counts["equal"] += 1
                listed.append({"case": name, "machine": kind, "equal": True, "qemu": theirs, "xen": ours})
                continue
            key = next((key for key in ((name, kind), (name, "all")) if key in reasons), None)
            used.add(key)
            counts["intended" if key else "unintended"] += 1
            listed.append(
                {
                    "case": name,
                    "about": qemu["cases"][name]["about"],
                    "machine": kind,
                    "equal": False,
                    "reason": reasons.get(key),
                    "qemu": theirs,
                    "xen": ours,
                }
            )
        unknown = [name for name in machine["cases"] if name not in qemu["cases"]]
        report["missing"] += len(unknown)
        counts["unknown to qemu's transcripts"] = unknown
        report["machines"][kind] = counts
        for key, sums in (("equal", ("equal",)), ("intended", ("intended",)), ("unintended", ("unintended",))):
            report[key] += sum(counts[each] for each in sums)
    report["cases"] = len({entry["case"] for entry in listed})
    report["comparisons"] = len(listed)
    report["differing"] = report["intended"] + report["unintended"]
    kinds = {machine["machine"] for machine in machines}
    compared = {(entry["case"], entry["machine"]) for entry in listed}
    report["listed but equal"] = sorted(
        "%s on %s" % key
        for key in reasons
        if key not in used and any((key[0], kind) in compared for kind in (kinds if key[1] == "all" else [key[1]]))
    )
    report["results"] = listed
    return report


def differing(entry):
    """The lines of both transcripts that differ."""
    for index in range(max(len(entry["qemu"]), len(entry["xen"]))):
        sides = [(entry[side] + [None] * (index + 1))[index] for side in ("qemu", "xen")]
        if sides[0] is None or sides[1] is None or essence([sides[0]]) != essence([sides[1]]):
            yield "qemu: " + json.dumps(sides[0], sort_keys=True)[:600]
            yield "xen:  " + json.dumps(sides[1], sort_keys=True)[:600]


def tap(report, out):
    for number, entry in enumerate(report["results"], 1):
        good = entry["equal"] or entry["reason"]
        out.write("%s %d - %s on %s\n" % ("ok" if good else "not ok", number, entry["case"], entry["machine"]))
        if not good:
            out.writelines("# %s\n" % line for line in differing(entry))
    out.write("1..%d\n" % len(report["results"]))


def show(report, out):
    """The report for people: differences that nobody intended, each as both transcripts, then the counts."""
    for entry in report["results"]:
        if entry["equal"] or entry["reason"]:
            continue
        out.write("%s on %s differs (%s)\n" % (entry["case"], entry["machine"], entry["about"]))
        out.writelines("    %s\n" % line for line in differing(entry))
    for machine, counts in report["machines"].items():
        out.write(
            "%-10s %d cases: %d equal, %d differ as intended, %d differ\n"
            % (machine, counts["cases"], counts["equal"], counts["intended"], counts["unintended"])
        )
    for text in report["listed but equal"]:
        out.write("listed as a difference, but equal: %s\n" % text)
