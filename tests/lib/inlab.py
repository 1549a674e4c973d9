# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scripts that run in the lab: found, grouped by their lab options, run in one boot a group.

A sink is told what happens: begin(script path), see(line), end(script path, exit status), again(script path, why): what
was seen of it does not count, broken(what, scripts that did not run, log lines).
"""
import os
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What goes into dom0: the tests themselves.
DOM0_TESTS = "/root/tests"


class Script:
    def __init__(self, path):
        self.path = os.path.relpath(path, ROOT)
        with open(path, errors="replace") as f:
            head = "".join(line for _, line in zip(range(40), f))
        self.core = re.search(r"^# live:.*\bcore\b", head, re.M) is not None
        lab = re.search(r"^# lab:\s*(.+)$", head, re.M)
        self.lab = lab.group(1).strip() if lab else ""
        timeout = re.search(r"^# timeout:\s*(\d+)$", head, re.M)
        self.timeout = int(timeout.group(1)) if timeout else 180
        given = re.search(r"^# environment:\s*(.+)$", head, re.M)
        self.environment = given.group(1).split() if given else []
        self.on_host = self.path.startswith("tests/live/outside/")


def find_scripts(places):
    found = []
    for place in places:
        if os.path.isfile(place):
            found.append(Script(os.path.abspath(place)))
            continue
        for folder, _, files in sorted(os.walk(place)):
            found += [Script(os.path.join(os.path.abspath(folder), f)) for f in sorted(files)
                      if f.endswith(".sh") and os.access(os.path.join(folder, f), os.X_OK)]
    return found


# Runs in dom0: every script with its time, then a look at what it left behind, and for programs that the kernel ended.
# The emulated CPU breaks a program once in many hours: a script during which one of Debian's died is run a second time.
# One of our own is not excused. It breaks a guest as well, once in some hours: QEMU's VMRUN goes on with the state of
# the hypervisor instead of the guest's, which dies of a triple fault at an address of Xen's text (lab/README.md). No guest
# can bring that about: the script is run a second time, too.
DISPATCHER = r"""#!/bin/bash
cd /root/tests/.. || exit 1
. /root/live-environment
domains() { xenstore-list /local/domain 2>/dev/null | sort; }
crashes() { dmesg | grep -E 'segfault at|general protection|trap [a-z]|stack smashing'; }
# The programs in such lines: "traps: xl[123] trap ..." and "xl[123]: segfault at ..."
programs() { sed -nE 's/^(\[[ 0-9.]*\] )?(traps: )?([^[]*)\[[0-9]+\].*/\3/p'; }
# So many guests died in Xen's own state.
broken_guests() { xl dmesg 2>/dev/null | grep -A 8 'Triple fault' | grep -cE 'RIP: +e008:\[<ffff82d'; }
# Of guests that may have died without a word: their consoles, and what Xen knows of domains and has said. After a failure.
remains() {
    for log in $(ls -t /var/log/xen/console/guest-*.log 2>/dev/null | head -n 4); do
        tail -n 12 "$log" | tr -cd '[:print:]\n' | sed "s|^|# ${log##*/}: |"
    done
    xl debug-keys q >/dev/null 2>&1
    xl dmesg 2>/dev/null | tail -n 80 | tr -cd '[:print:]\n' | sed 's/^/# xen: /'
}
run() {
    before=$(domains)
    crashed=$(crashes)
    broken=$(broken_guests)
    timeout -k 10 "$timeout" "./$script" </dev/null 2>&1
    status=$?
    new=$(crashes | grep -vxF "$crashed")
    left=$(domains | grep -vxF "$before" | tr '\n' ' ')
    for domid in $left; do xl destroy "$domid" >/dev/null 2>&1; done
}
again() {
    echo "=== again $1"
    # What a script that was broken off has left running.
    pkill -x xl-ext && sleep 1
    run
}
while read -r timeout script; do
    echo "=== $script"
    run
    if [ -n "$new" ] && ! programs <<< "$new" | grep -qE '^(xl-ext|lab-)'; then
        again "$(head -n 1 <<< "$new")"
    elif [ $status != 0 ] && [ "$(broken_guests)" -gt "$broken" ]; then
        again "the emulated CPU has run a guest in the hypervisor's state"
    fi
    [ -z "$new" ] || echo "not ok - no program crashes in dom0 meanwhile: $(head -n 3 <<< "$new")"
    [ -z "$left" ] || echo "not ok - the script leaves no domain behind (domids $left)"
    [ $status = 0 ] || [ $status = 77 ] || remains
    echo "=== end $status"
done < /root/live-plan
"""


def log_name(lab_options, part=0):
    return "live-%s%s.log" % (re.sub(r"\W+", "-", lab_options).strip("-") or "default", "-%d" % (part + 1) if part else "")


def run_in_dom0(scripts, lab_options, sink, part=0):
    with tempfile.TemporaryDirectory() as tmp:
        plan, dispatcher = os.path.join(tmp, "plan"), os.path.join(tmp, "dispatch.sh")
        environment = os.path.join(tmp, "environment")
        with open(plan, "w") as f:
            f.writelines("%d %s\n" % (s.timeout, s.path) for s in scripts)
        with open(environment, "w") as f:
            f.writelines("export %s=%s\n" % (name, shlex.quote(os.environ[name]))
                         for name in sorted({n for s in scripts for n in s.environment}) if name in os.environ)
        with open(dispatcher, "w") as f:
            f.write(DISPATCHER)
        os.chmod(dispatcher, 0o755)
        limit = sum(s.timeout for s in scripts) + max(s.timeout for s in scripts) + 300
        command = [os.path.join(ROOT, "lab/xen-lab"), "run", "--timeout", str(limit)] + lab_options.split() + [
            "--copy", os.path.join(ROOT, "tests") + ":" + DOM0_TESTS, "--copy", plan + ":/root/live-plan",
            "--copy", environment + ":/root/live-environment", dispatcher]
        log = open(os.path.join(ROOT, "build", log_name(lab_options, part)), "w")
        lab = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                               errors="replace")
        pending = [s.path for s in scripts]
        current = None
        try:
            for line in lab.stdout:
                line = line.rstrip("\n")
                log.write(line + "\n")
                log.flush()
                if line.startswith("=== end ") and current:
                    sink.end(current, int(line.split()[2]))
                    pending.remove(current)
                    current = None
                elif line.startswith("=== again ") and current:
                    sink.again(current, line[10:])
                elif line.startswith("=== "):
                    current = line[4:]
                    sink.begin(current)
                elif current:
                    sink.see(line)
            status = lab.wait()
        except KeyboardInterrupt:
            lab.send_signal(signal.SIGINT)
            lab.wait()
            raise
        log.close()
        if status or pending:
            with open(log.name, errors="replace") as f:
                tail = f.read().splitlines()[-40:]
            sink.broken("lab/xen-lab run %s: exit status %s" % (lab_options, status), pending, tail)


class Held:
    """Tells a sink of a script when that has ended: of several labs none talks into what another one says."""

    def __init__(self, sink, lock):
        self.sink, self.lock, self.heard = sink, lock, []

    def begin(self, script):
        self.heard, self.started = [("begin", script)], time.time()

    def see(self, line):
        self.heard.append(("see", line))

    def again(self, script, why):
        self.heard.append(("again", script, why))

    def end(self, script, status):
        with self.lock:
            for what, *args in self.heard:
                getattr(self.sink, what)(*args)
            self.sink.started = self.started
            self.sink.end(script, status)

    def broken(self, what, not_run, log):
        with self.lock:
            self.sink.broken(what, not_run, log)


def shared_out(scripts, labs):
    """Parts that take about as long, at most so many, each in the order of the whole."""
    parts = [[] for _ in range(labs)]
    for s in sorted(scripts, key=lambda s: -s.timeout):
        min(parts, key=lambda part: sum(member.timeout for member in part)).append(s)
    return [[s for s in scripts if s in part] for part in parts if part]


def run_groups(scripts, sink, labs=1):
    """All scripts that belong into dom0, a boot for each set of lab options; as many labs at a time, then several for
    one set of options, too."""
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    groups = {}
    for s in scripts:
        if not s.on_host:
            groups.setdefault(s.lab, []).append(s)
    if labs == 1:
        for lab_options, members in groups.items():
            run_in_dom0(members, lab_options, sink)
        return
    boots = [(members, lab_options, part) for lab_options, all_of_it in groups.items()
             for part, members in enumerate(shared_out(all_of_it, labs))]
    boots.sort(key=lambda boot: -sum(s.timeout for s in boot[0]))
    lock = threading.Lock()
    with ThreadPoolExecutor(labs) as pool:
        for done in [pool.submit(run_in_dom0, members, lab_options, Held(sink, lock), part)
                     for members, lab_options, part in boots]:
            done.result()
