#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""soak.py SECONDS SEED FOLDER: a hard night for memd, in the lab's dom0; tests/soak/run starts it.

Guests of all kinds, hostile ones too, come, go, grow, shrink, are saved and restored; clients ask what is right and what is not;
memd is killed, stopped for seconds, left without descriptors; the clock is set forth and back. All along watch.py looks
from outside whether what must hold holds. FOLDER gets soak.json, soak.tsv (figures to plot) and memd.log.
"""
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time

import clients
from watch import Watch, command, descriptors, nodes, rss_kb

RESERVE_MIB = 128
CONFIG = """reserve = 128
report_interval = 2
qmp_owner = "nobody"
"""
# Name, MiB, maximum, behaviour, how many of them; all are balanced, from floor_mib of the maximum on.
CAST = [
    ("calm", 120, 300, "rate=65536", 4),
    ("slow", 110, 250, "rate=2048", 2),
    ("creep", 105, 250, "creep", 1),
    ("stuck", 105, 250, "stuck", 1),
    ("tired", 105, 250, "giveup,floor=104", 1),
    ("hostile", 105, 250, "hostile", 1),
    ("hungry", 105, 250, "hungry", 1),
]


# So long a guest is given to answer: it may be starved on purpose, and the machine loaded.
PATIENCE_S = 300


def floor_mib(mib):
    """What memd takes for a minimum at the least, and a MiB more (docs/memory-floor.md)."""
    return (8 + mib // 2 if mib < 128 else 40 + mib // 4) + 1


# The emulated CPU breaks PVH guests where it goes back and forth between them and PV ones (lab/README.md): each kind has one.
CPU_OF = {"pv": "0", "pvh": "1"}


class Memd:
    """memd, started again whenever it ends, as systemd does."""

    def __init__(self, folder, watch):
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        with open("/proc/sys/kernel/core_pattern", "w", encoding="utf-8") as f:
            f.write("core")
        self.config = os.path.join(folder, "memd.cfg")
        self.log = open(os.path.join(folder, "memd.log"), "ab")
        self.watch = watch
        self.expected = 0  # ends that we asked for
        self.over = False
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CONFIG)
        self.child = None
        self.start()
        threading.Thread(target=self.keep, daemon=True).start()

    def start(self):
        self.child = subprocess.Popen(["xl-ext", "memd", "-c", self.config], stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=self.log, cwd=os.path.dirname(self.config))

    def keep(self):
        while not self.over:
            status = self.child.wait()
            if self.over:
                break
            if self.expected:
                self.expected -= 1
            else:
                self.watch.violation("memd ended by itself, with status %d" % status)
            time.sleep(0.5)
            self.start()

    def end(self, signum):
        self.expected += 1
        self.child.send_signal(signum)

    def stop(self):
        self.over = True
        self.child.terminate()
        try:
            if self.child.wait(60):
                self.watch.violation("memd ended with status %d when it was told to end" % self.child.returncode)
        except subprocess.TimeoutExpired:
            self.watch.violation("memd does not end when it is told to: core has what it was at")
            self.child.send_signal(signal.SIGABRT)
            self.child.wait(60)


class Night:
    def __init__(self, seconds, seed, folder):
        self.seconds, self.seed, self.folder = seconds, seed, folder
        self.began = time.monotonic()
        self.ends = self.began + seconds
        self.watch = Watch(folder, RESERVE_MIB)
        self.done = {}
        self.faults = len(self.watch.triple_faults())
        threading.Thread(target=self.watch.keep_xen_log, daemon=True).start()
        self.lock = threading.Lock()
        self.calm = threading.Lock()
        # Held while a real guest starts or is restored: what the lab has in it must be able to say so in xenstore.
        self.starting = {name: threading.Lock() for name in ("linux-pv", "linux-pvh")}

    def random(self, name):
        return random.Random("%d %s" % (self.seed, name))

    def count(self, what):
        with self.lock:
            self.done[what] = self.done.get(what, 0) + 1

    def goes_on(self):
        return time.monotonic() < self.ends

    def pause(self, seconds):
        time.sleep(max(0.0, min(seconds, self.ends - time.monotonic())))

    # ---- actors: each runs in a thread, with dice of its own ----

    def talk(self):
        """What agents say: that programs come and go."""
        dice = self.random("talk")
        names = [self.name(n, c, i) for n, _, _, b, c in CAST for i in range(c) if b not in ("hostile", "hungry")]
        while self.goes_on():
            name = dice.choice(names)
            held = self.watch.held_kb(name)
            if held:
                used = int(held * dice.choice((0.2, 0.5, 0.8, 0.95, 1.0)))
                self.watch.reports(name, "total-memory %d;available-memory %d;" % (held * 1024, (held - used) * 1024))
                self.count("reports")
            self.pause(dice.uniform(0.2, 1.5))

    @staticmethod
    def name(group, count, i):
        return group if count == 1 else "%s-%d" % (group, i + 1)

    def churn(self):
        """Domains that start with memory reserved for them, live for a while, and go; names and domids are used again."""
        dice = self.random("churn")
        while self.goes_on():
            mib = dice.randrange(20, 160)
            most = mib + dice.randrange(0, 200)
            if command("xl-ext", "mem-reserve", "-t", "20", str(mib + 8), "--", "lab-puppet", "start", "churn", str(mib),
                       str(most), dice.choice(("instant", "rate=16384", "stuck", "hungry"))):
                self.count("domains refused")
                self.pause(2)
                continue
            self.count("domains")
            if dice.random() < 0.7:
                command("xl-ext", "mem-range", "churn", str(min(floor_mib(most), most)), str(most))
            self.pause(dice.uniform(1, 20))
            if dice.random() < 0.5:
                command("xl-ext", "mem-range", "churn", "none")
            command("lab-puppet", "stop", "churn")

    def ask(self, name, act):
        dice = self.random(name)
        while self.goes_on():
            try:
                self.count("%s: %s" % (name, act(dice)))
            except (OSError, clients.Hung) as e:
                self.count("%s: %s" % (name, type(e).__name__))
            self.pause(dice.uniform(0.1, 2))

    def torment_once(self, dice, what):
        pid = self.memd.child.pid
        try:
            if what == "kill":
                self.memd.end(signal.SIGKILL)
            elif what == "end":
                self.memd.end(signal.SIGTERM)
            elif what == "stop":
                os.kill(pid, signal.SIGSTOP)
                time.sleep(dice.uniform(0.5, 6))
                os.kill(pid, signal.SIGCONT)
            else:
                before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(pid), before[1]))
                time.sleep(dice.uniform(1, 5))
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
            self.count("memd: " + what)
        except OSError:
            pass

    def torment(self):
        """In the last third memd lives on, so that what it does not give back adds up."""
        dice = self.random("torment")
        done_at = 0
        while self.goes_on():
            self.pause(dice.uniform(8, 25))
            # On a slow machine memd would always be killed before it has begun; one time in ten it is.
            in_haste = dice.random() < 0.1
            while not in_haste and self.watch.answered < done_at and self.goes_on():
                self.pause(1)
            done_at = time.monotonic()
            late = time.monotonic() > self.ends - self.seconds / 3
            what = dice.choice(("stop", "descriptors") if late else ("kill", "kill", "end", "stop", "descriptors"))
            with self.calm:
                self.torment_once(dice, what)

    def clock(self):
        dice = self.random("clock")
        moved = 0
        while self.goes_on():
            self.pause(dice.uniform(20, 60))
            step = -moved if dice.random() < 0.5 else dice.randrange(-100000, 100000)
            time.clock_settime(time.CLOCK_REALTIME, time.time() + step)
            moved += step
            self.count("clock steps")
        time.clock_settime(time.CLOCK_REALTIME, time.time() - moved)

    def quota(self):
        """A guest uses up for a while what it may have in xenstore: the owner of a folder pays for what is written there."""
        dice = self.random("quota")
        while self.goes_on():
            self.pause(dice.uniform(10, 40))
            name = dice.choice(("linux-pv", "linux-pvh", "calm-1", "qmp-1"))
            with self.starting.get(name, threading.Lock()):
                self.use_up_quota(dice, name)

    def use_up_quota(self, dice, name):
        domid = command("xl", "domid", name, output=True).strip()
        if not domid:
            return
        home = "/local/domain/" + domid
        keys = ["%s/data/many-%d" % (home, i) for i in range(1100)]
        for i in range(0, len(keys), 100):
            command("xenstore-write", *[word for key in keys[i:i + 100] for word in (key, "x")])
        self.pause(dice.uniform(2, 15))
        for i in range(0, len(keys), 100):
            command("xenstore-rm", *keys[i:i + 100])
        # It may have ended meanwhile.
        if command("xl", "domname", domid) == 1:
            command("xenstore-rm", home)
        self.count("quotas used up")

    def linux(self, kind):
        """A real guest whose programs want memory and give it back, and whose files stay what they are."""
        dice = self.random(kind)
        name = "linux-" + kind
        sums = "cd /tmp && md5sum -c sum >/dev/null"
        while self.goes_on():
            if dice.random() < 0.5:
                command("lab-guest", "eat", name, str(dice.randrange(20, 250)), timeout=60)
            else:
                command("lab-guest", "relax", name, timeout=60)
            self.pause(dice.uniform(3, 15))
            if not self.says_so(name, sums, kind):
                return
            self.count("guests' files read")
            if kind == "pv" and dice.random() < 0.15:
                with self.starting[name]:
                    self.save_and_restore(name)

    def was_broken(self, kind, booting=False):
        """By the emulated CPU, since the last time: it goes on in Xen's own state, or dies in its boot, when nobody has taken
        anything from it yet. It breaks no PV guests (lab/README.md)."""
        if kind == "pv":
            return False
        places = self.watch.triple_faults()
        new, self.faults = places[self.faults:], len(places)
        if not any(booting or place.startswith("e008:[<ffff82d") for place in new):
            return False
        self.count("guests broken by the emulated CPU")
        return True

    def says_so(self, name, sums, kind):
        """Its files are what they were. A guest that was broken is started again; one that is slow is given time."""
        end = time.monotonic() + PATIENCE_S
        while command("lab-guest", "exec", "--timeout", "60", name, sums, timeout=120):
            if self.was_broken(kind):
                command("lab-guest", "destroy", name, timeout=120)
                with self.starting[name]:
                    self.start_linux(kind)
            elif time.monotonic() > end:
                self.watch.guest_died(name, "its files are not what they were, or it does not answer")
                return False
            else:
                self.count("guests that did not answer at once")
                self.pause(5)
        return True

    def start_log(self, name):
        return os.path.join(self.folder, "starts-%s.log" % name)

    def start(self, name, *argv):
        """The exit status; what the command says is kept."""
        with open(self.start_log(name), "a", encoding="utf-8") as log:
            return command(*argv, timeout=1000, errors=log)

    def last_word(self, name):
        with open(self.start_log(name), encoding="utf-8") as log:
            return ([""] + log.read().splitlines())[-1]

    def start_linux(self, kind):
        name = "linux-" + kind
        # xl would start one that is broken again by itself, with nothing reserved for it
        create = ["lab-guest", "create", "--agent", "--timeout", "600", kind, name, "160", "400", 'on_reboot = "destroy"',
                  'on_crash = "destroy"', 'cpus = "%s"' % CPU_OF[kind]]
        end = time.monotonic() + PATIENCE_S
        while self.start(name, "xl-ext", "mem-reserve", "-t", "300", "200", "--", *create):
            if self.was_broken(kind, booting=True):
                command("lab-guest", "destroy", name, timeout=120)
            elif self.last_word(name).startswith("xl-ext: mem-reserve: memd") and time.monotonic() < end:
                # It was killed at that moment.
                self.pause(2)
            else:
                self.watch.guest_died(name, "it did not come up: " + self.last_word(name))
                return
        command("lab-guest", "exec", name, "cd /tmp && dd if=/dev/urandom of=file bs=1M count=8 2>/dev/null && md5sum file >sum",
                timeout=120)
        command("xl-ext", "mem-range", name, "150", "400", "500")

    def restore(self, name, place):
        """Nobody torments memd meanwhile: when memd does not answer, xl-ext restore reserves nothing, and says so."""
        with self.calm:
            while clients.answers() is None and self.goes_on():
                time.sleep(1)
            return self.start(name, "xl-ext", "restore", "-t", "60", place)

    def save_and_restore(self, name):
        place = os.path.join(self.folder, name + ".saved")
        command("lab-guest", "relax", name, timeout=60)
        if command("xl", "save", name, place, timeout=120):
            self.count("saves refused")
            return
        while self.restore(name, place):
            self.count("restores refused")
            if not self.goes_on():
                os.unlink(place)
                return
        os.unlink(place)
        if command("lab-guest", "wait", "--timeout", "120", name, timeout=150):
            self.watch.guest_died(name, "it does not answer after it was restored")
        self.count("saves and restores")

    # ---- all of it ----

    def begin(self):
        command("xl", "vcpu-pin", "0", "all", CPU_OF["pv"])
        self.memd = Memd(self.folder, self.watch)
        self.watch.memd = self.memd
        clients.wait_for_memd()
        time.sleep(2)
        self.before = self.figures()
        for name, mib, most, behaviour, count in CAST:
            more = ["--count", str(count)] if count > 1 else []
            if command("lab-puppet", "start", name, str(mib), str(most), behaviour, *more, timeout=120):
                self.watch.violation("the puppets %s could not be started" % name)
            for i in range(count):
                command("xl-ext", "mem-range", self.name(name, count, i), str(floor_mib(most)), str(most),
                        str(1000 if name == "calm" else 100))
                if name in ("calm", "slow"):
                    self.watch.minimums[self.name(name, count, i)] = floor_mib(most) * 1024
        command("lab-puppet", "start", "qmp", "96", "128", "instant", "--count", "2")
        for kind in ("pv", "pvh"):
            self.start_linux(kind)

    def figures(self):
        pid = self.memd.child.pid
        return {"rss_kb": rss_kb(pid), "descriptors": descriptors(pid), "nodes": len(nodes()),
                "domains": len(command("xenstore-list", "/local/domain", output=True).split())}

    def end(self):
        for name, *_ in CAST:
            command("lab-puppet", "stop", name)
        for name in ("churn", "qmp"):
            command("lab-puppet", "stop", name)
        for kind in ("pv", "pvh"):
            command("lab-guest", "destroy", "linux-" + kind, timeout=60)
        # Leases end, and so do clients that have said nothing.
        time.sleep(75)
        self.after = self.figures()
        for what, more in (("descriptors", 0), ("domains", 0), ("nodes", 0), ("rss_kb", 4096)):
            if self.after[what] > self.before[what] + more:
                self.watch.violation("%s: %d before, %d after" % (what, self.before[what], self.after[what]))
                if what == "nodes":
                    self.watch.violation("these: " + " ".join(nodes()))
        self.memd.stop()

    def run(self):
        self.begin()
        self.began = time.monotonic()
        self.ends = self.began + self.seconds
        acts = [self.talk, self.churn, self.torment, self.clock, self.quota, lambda: self.linux("pv"), lambda: self.linux("pvh"),
                lambda: self.ask("qmp", clients.qmp), lambda: self.ask("qmp too", clients.qmp),
                lambda: self.ask("control", clients.control)]
        threads = [threading.Thread(target=act, daemon=True) for act in acts]
        for t in threads:
            t.start()
        self.watch.begin()
        while self.goes_on():
            time.sleep(10)
            print("# %.0f of %d s: %s" % (time.monotonic() - self.began, self.seconds, self.watch.short()), flush=True)
        for t in threads:
            t.join(120)
        self.watch.finish()
        self.end()
        result = {"seed": self.seed, "seconds": self.seconds, "violations": self.watch.violations, "done": self.done,
                  "looks": self.watch.looks, "least_free_kb": self.watch.least_free_kb}
        for what in ("rss_kb", "descriptors", "nodes", "domains"):
            result[what] = {"before": self.before[what], "after": self.after[what]}
        with open(os.path.join(self.folder, "soak.json"), "w", encoding="utf-8") as f:
            json.dump(result, f, indent=2, sort_keys=True)
        for v in self.watch.violations:
            print("VIOLATION %s" % v)
        print("%d violations in %d s with seed %d" % (len(self.watch.violations), self.seconds, self.seed))
        return 1 if self.watch.violations else 0


if __name__ == "__main__":
    sys.exit(Night(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).run())
