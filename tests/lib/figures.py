# SPDX-License-Identifier: LGPL-2.1-or-later
"""What benchmarks print, into one file.

A benchmark is a script below tests/bench that runs as root in the lab's dom0 (same comments in its head as a live test,
see tests/lib/live.sh), or a program that runs on this machine. It prints lines "bench KEY VALUE"; a dot in KEY makes an
object in the file. What an earlier run wrote under other keys stays.
"""
import json
import os
import subprocess


class Figures:
    def __init__(self, path):
        self.path = path
        self.found = []
        self.failed = []

    def run(self, program):
        self.begin(program)
        done = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for line in done.stdout.splitlines():
            self.see(line)
        self.end(program, done.returncode)

    def begin(self, script):
        print(script, flush=True)

    def see(self, line):
        words = line.split()
        if len(words) == 3 and words[0] == "bench":
            self.found.append((words[1], float(words[2]) if "." in words[2] else int(words[2])))
            print("  %-40s %s" % (words[1], words[2]), flush=True)
        else:
            print("    | " + line, flush=True)

    def again(self, script, why):
        # What it finds then takes the place of what it found.
        print("  once more: " + why, flush=True)

    def end(self, script, status):
        if status:
            self.failed.append("%s: exit status %s" % (script, status))

    def broken(self, what, not_run, log):
        print("\n".join("    | " + line for line in log))
        self.failed.append(what)

    def write(self):
        result = {}
        if os.path.exists(self.path):
            with open(self.path) as f:
                result = json.load(f)
        for key, value in self.found:
            place = result
            *folders, name = key.split(".")
            for folder in folders:
                place = place.setdefault(folder, {})
            place[name] = value
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".new", "w") as f:
            json.dump(result, f, indent=4, sort_keys=True)
            f.write("\n")
        os.replace(self.path + ".new", self.path)

    def close(self):
        """The exit status."""
        self.write()
        for line in self.failed:
            print("FAILED: " + line)
        print("%d figures in build/bench.json, %d benchmarks failed" % (len(self.found), len(self.failed)))
        return 1 if self.failed or not self.found else 0
