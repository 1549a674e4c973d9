# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must hold all along, seen from outside: by the hypervisor's books and by xenstore, not by memd's own words."""
import os
import signal
import subprocess
import threading
import time

import clients

# memd may be stopped for six seconds, or killed and started again, on a loaded emulated machine.
SILENCE_S = 90
# Xen's own books change by a few pages, and domains that are built take theirs a moment before they are counted.
SLACK_KB = 16 * 1024
# What a guest at rest may hold less than its target: OFFSET_MIN_KB of libxl-plugins/balloon/sizes.h.
OFFSET_KB = 64


def command(*argv, output=False, timeout=90, errors=subprocess.DEVNULL):
    """The exit status, or with output the standard output; what takes too long is killed, 124. errors: a file."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, timeout=timeout)
    except subprocess.TimeoutExpired:
        return "" if output else 124
    return done.stdout.decode(errors="replace") if output else done.returncode


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def rss_kb(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def nodes():
    """Ours that belong to a domain or a client, by name; ranges and debts are kept by UUID, for weeks."""
    return [f + "/" + name for f in ("own-target", "kept")
            for name in command("xenstore-list", "/local/domain/0/xl-ext/" + f, output=True).split()
            if not name.startswith("lend-")]


class Watch:
    def __init__(self, folder, reserve_mib):
        self.folder, self.reserve_kb = folder, reserve_mib * 1024
        self.xen_log = os.path.join(folder, "xen.log")
        self.violations, self.looks, self.least_free_kb = [], 0, None
        self.minimums, self.memd = {}, None  # KiB of those that always follow
        self.domains, self.suspects = {}, {}
        self.over = False
        self.answered = time.monotonic()
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.figures = open(os.path.join(folder, "soak.tsv"), "w", encoding="utf-8")

    def violation(self, text):
        with self.lock:
            if len(self.violations) < 100:
                self.violations.append("%.0f s: %s" % (time.monotonic() - self.began, text))
        print("VIOLATION %s" % text, flush=True)

    def held_kb(self, name):
        return self.domains.get(name, (0, 0))[1]

    def short(self):
        return "%d looks, %d domains, least free %s MiB, %d violations" % (
            self.looks, len(self.domains), (self.least_free_kb or 0) // 1024, len(self.violations))

    def guest_died(self, name, how):
        """All that may tell why."""
        self.violation("%s: %s" % (name, how))
        domid = command("xl", "domid", name, output=True).strip()
        with open(os.path.join(self.folder, name + ".died"), "w", encoding="utf-8") as f:
            for argv in (["tail", "-n", "30", os.path.join(self.folder, "starts-%s.log" % name)], ["xl", "list", "-v", name],
                         ["xl-ext", "mem-info", name], ["xl", "vcpu-list", name], ["xenstore-ls", "/local/domain/" + domid],
                         ["tail", "-n", "100", "/var/log/xen/console/guest-%s.log" % name],
                         ["sh", "-c", "grep -vE 'Inconsistent|Over-alloc' %s | tail -n 60" % self.xen_log],
                         ["sh", "-c", "xl debug-keys q; xl dmesg | tail -n 300"],
                         ["sh", "-c", "dmesg | tail -n 50"]):
                f.write("== %s\n%s\n" % (" ".join(argv), command(*argv, output=True)))

    def read_xen_log(self):
        """Guests that ask for more than they may fill Xen's own log within seconds: what it says is kept here."""
        with self.lock, open(self.xen_log, "a", encoding="utf-8") as f:
            f.write(command("xl", "dmesg", "-c", output=True))

    def triple_faults(self):
        """Of guests, until now: where the processor stood, "CS:[<RIP>]"."""
        self.read_xen_log()
        places, follow = [], 0
        with open(self.xen_log, encoding="utf-8", errors="replace") as f:
            for line in f:
                if "Triple fault" in line:
                    follow = 20
                elif follow and "RIP:" in line:
                    places.append(line.split("RIP:")[1].strip())
                    follow = 0
                elif follow:
                    follow -= 1
        return places

    # ---- looks ----

    def suspect(self, key, text):
        """Two sources that are read one after the other may differ for once: what is the same at the next look counts."""
        self.now_suspects[key] = text
        if self.suspects.get(key) == text:
            self.violation(text)
            self.now_suspects[key] = None

    def look_at_domains(self, lines):
        second = time.monotonic() - self.began
        domains = {}
        for line in lines:
            domid, name, held, target, limit, own, flags = line.split()[1:]
            held, limit, target = int(held), int(limit), int(target) if target.isdigit() else 0
            # Dying, shut down, or not known to xenstore yet.
            if int(flags, 16) & 5 or name == "-" or domid == "0":
                continue
            domains[name] = (int(domid), held)
            self.figures.write("%.1f\t%s\t%d\t%d\t%d\n" % (second, name, held // 1024, target // 1024, limit // 1024))
            if target and own not in ("-", "0", str(target)):
                self.suspect((name, "own"), "%s: its target is %d KiB, memd's record says %s" % (name, target, own))
            # A guest that rests a little below its target has a limit there.
            if target and limit < target - OFFSET_KB:
                self.suspect((name, "limit"), "%s: its limit of %d KiB is below its target of %d" % (name, limit, target))
            if held < self.minimums.get(name, 0) - 1024:
                self.suspect((name, "min"), "%s holds %d KiB, below its minimum" % (name, held))
        self.domains = domains

    def look_at_host(self, free):
        self.figures.write("%.1f\tfree\t%d\t%d\t0\n" % (time.monotonic() - self.began, free // 1024, self.reserve_kb // 1024))
        if self.least_free_kb is None or free < self.least_free_kb:
            self.least_free_kb = free
        if free < self.reserve_kb - SLACK_KB:
            self.violation("the host has %d KiB free, of %d that stay free" % (free, self.reserve_kb))

    def look_at_memd(self):
        if clients.answers() is not None:
            self.answered = time.monotonic()
        elif time.monotonic() - self.answered > SILENCE_S:
            self.violation("memd has not answered for %d s: core has what it was at" % SILENCE_S)
            self.answered = time.monotonic()
            self.memd.end(signal.SIGABRT)

    def watch(self):
        crashes = command("sh", "-c", "dmesg | grep -c 'xl-ext.*segfault'", output=True)
        lines = []
        for line in self.look.stdout:
            if self.over:
                break
            if line.startswith("domain"):
                lines.append(line)
                continue
            self.now_suspects = {}
            self.look_at_domains(lines)
            self.look_at_host(int(line.split()[1]))
            self.suspects = self.now_suspects
            self.looks += 1
            lines = []
        if command("sh", "-c", "dmesg | grep -c 'xl-ext.*segfault'", output=True) != crashes:
            self.violation("xl-ext has crashed")

    def watch_memd(self):
        while not self.over:
            self.look_at_memd()
            time.sleep(2)

    def keep_xen_log(self):
        while not self.over:
            self.read_xen_log()
            time.sleep(3)

    def reports(self, name, text):
        """As the agent of that guest; ';' for a line's end."""
        with self.lock:
            self.look.stdin.write("/local/domain/%d/data/memory-stats %s\n" % (self.domains[name][0], text))
            self.look.stdin.flush()

    def begin(self):
        self.answered = self.began = time.monotonic()
        self.look = subprocess.Popen(["/root/look"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.threads = [threading.Thread(target=act, daemon=True) for act in (self.watch, self.watch_memd)]
        for t in self.threads:
            t.start()

    def finish(self):
        self.over = True
        for t in self.threads:
            t.join(200)
        self.look.kill()
        self.figures.close()
