#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""plan_oracle.py TOOL COUNT: asks TOOL mem-plan for COUNT random hosts and compares with the policy's text in exact
fractions. Prints what differs; exit status 1 then."""
import json
import random
import subprocess
import sys
from fractions import Fraction


def pour(rows, room):
    """rows: [base, cap, weight]; returns what each gets when room is poured level by level."""
    caps = sorted({Fraction(cap - base, w) for base, cap, w in rows if w} | {Fraction(0)})
    total = lambda level: sum(min(Fraction(cap - base), level * w) for base, cap, w in rows)
    below = max(level for level in caps if total(level) <= room)
    rising = sum(w for base, cap, w in rows if w and Fraction(cap - base, w) > below)
    level = below + (room - total(below)) / rising if rising else below
    return [min(Fraction(cap), base + level * w) for base, cap, w in rows]


def oracle(host, reservations, domains):
    room = host["free_memkb"] - host["claimed_memkb"] - host["reserve_memkb"] - sum(r["memkb"] for r in reservations)
    part = []
    for d in domains:
        if d["state"] == "running" and not d["fixed"] and d["balloon"] in ("ok", "slow"):
            part.append(d)
            room += d["actual_memkb"]
        elif d["balloon"] != "none":
            room -= max(0, d["target_memkb"] - d["actual_memkb"])
    spare = room - sum(d["min_memkb"] for d in part)
    if spare < 0:
        return -spare, {d["domid"]: Fraction(d["min_memkb"]) for d in part}
    hi = [min(d["max_memkb"], d["static_max_memkb"]) for d in part]
    want = [d["min_memkb"] if d["demand_memkb"] is None else min(max(d["demand_memkb"], d["min_memkb"]), h)
            for d, h in zip(part, hi)]
    one = pour([(d["min_memkb"], w, d["weight"]) for d, w in zip(part, want)], spare)
    spare = room - sum(one)
    spare -= min(spare, host.get("float_memkb") or 0)
    two = pour([(a, min(max(a, d.get("keep_memkb") or 0), h), d["weight"]) for d, a, h in zip(part, one, hi)], spare)
    spare -= sum(two) - sum(one)
    three = pour([(a, h, d["weight"]) for d, a, h in zip(part, two, hi)], spare)
    return 0, {d["domid"]: t for d, t in zip(part, three)}


def case(rng):
    page = lambda lo, hi: 4 * rng.randrange(lo // 4, hi // 4 + 1)
    domains = []
    for i in range(rng.choice([1, 2, 3, 5, 8, 20, 60])):
        low = page(0, 1 << 20)
        high = low + page(0, 8 << 20)
        domains.append({
            "domid": i, "name": "d%d" % i, "type": rng.choice(["pv", "pvh", "hvm"]),
            "state": "running" if rng.random() < .85 else rng.choice(["paused", "building", "booting", "migrating",
                                                                      "dying"]),
            "actual_memkb": page(0, 9 << 20), "target_memkb": page(0, 9 << 20),
            "static_max_memkb": high + page(0, 1 << 20) if rng.random() < .7 else page(low, high), "min_memkb": low,
            "max_memkb": high, "weight": rng.choice([1, 2, 256, 1000, 65535]),
            "demand_memkb": None if rng.random() < .3 else rng.randrange(0, 10 << 20),
            "balloon": rng.choice(["ok"] * 8 + ["slow", "stuck", "none"]), "fixed": rng.random() < .1})
    for d in domains:
        keep = rng.choice(["absent", None, rng.randrange(0, 10 << 20)])
        if keep != "absent":
            d["keep_memkb"] = keep
    host = {"total_memkb": 1 << 30, "free_memkb": rng.randrange(0, rng.choice([1, 1 << 20, 1 << 26]) + 1),
            "claimed_memkb": rng.choice([0, 12345]), "reserve_memkb": rng.randrange(0, 1 << 20)}
    if rng.random() < .5:
        host["float_memkb"] = rng.choice([0, rng.randrange(0, 4 << 20)])
    reservations = [{"id": "r%d" % i, "memkb": rng.randrange(0, 1 << 20)} for i in range(rng.randrange(3))]
    return host, reservations, domains


def compare(problem, answer):
    host, reservations, domains = problem
    short, targets = oracle(*problem)
    got = {d["domid"]: d["target_memkb"] for d in answer["domains"]}
    assert list(got) == [d["domid"] for d in domains], "domains are missing or in another order"
    assert answer["feasible"] == (not short) and answer["shortfall_memkb"] == short, "feasible, shortfall %d" % short
    for d in domains:
        t = got[d["domid"]]
        if d["domid"] not in targets:
            assert t == d["target_memkb"], "domain %d takes no part" % d["domid"]
            continue
        assert t % 4 == 0 and abs(t - targets[d["domid"]]) <= 4, "domain %d: %d, not %s" % (
            d["domid"], t, float(targets[d["domid"]]))
    assert short or sum(got[i] for i in targets) <= sum(targets.values()), "more than the budget"
    free, least = host["free_memkb"], host["claimed_memkb"] + host["reserve_memkb"] + sum(
        r["memkb"] for r in reservations)
    held = {d["domid"]: d["actual_memkb"] for d in domains}
    last = {}
    for step in answer["steps"]:
        change = held[step["domid"]] - step["target_memkb"]
        free += change
        held[step["domid"]] = last[step["domid"]] = step["target_memkb"]
        assert change >= 0 or free >= least, "a step takes host free memory to %d of %d" % (free, least)
    assert all(got[i] == t for i, t in last.items()), "a last step is no target"
    assert short or all(held[i] == got[i] for i in targets), "steps are missing"
    assert free == answer["host_free_after_memkb"], "host free afterwards"


def main():
    tool, count = sys.argv[1], int(sys.argv[2])
    failed = 0
    for seed in range(count):
        problem = case(random.Random(seed))
        text = json.dumps(dict(zip(("host", "reservations", "domains"), problem)))
        done = subprocess.run([tool, "mem-plan", "--from", "-", "--json"], input=text, capture_output=True, text=True)
        try:
            assert done.returncode == 0, done.stderr
            compare(problem, json.loads(done.stdout))
        except AssertionError as e:
            print("# seed %d: %s" % (seed, e))
            failed += 1
    return 1 if failed else 0


sys.exit(main())
