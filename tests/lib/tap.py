# SPDX-License-Identifier: LGPL-2.1-or-later
"""What test programs and scripts say, in TAP, and the sum of it.

A test line is "ok [N] [-] name" or "not ok ...", with "# SKIP reason" for one that could not run. A program that
exits non-zero without a failed test, is killed, runs too long or says nothing has failed as a whole.
"""
import os
import re
import sys
import time

LINE = re.compile(r"^\s*(not )?ok\b\s*\d*\s*(?:-\s*)?(.*)$")
SKIP = re.compile(r"#\s*skip\b[:\s]*(.*)$", re.IGNORECASE)
TOTAL = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
WHAT_FAILED = "what failed:"
TOO_LONG = 124


class Tally:
    """Told of one program after another: begin, see its lines, end. Prints a line for each, and in close() what failed
    and the total."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.findings = []
        self.begin()

    def begin(self, program=None):
        self.program = program
        self.p = self.f = self.s = 0
        self.output = []
        self.started = time.time()

    def see(self, line):
        self.output.append(line)
        m = LINE.match(line)
        if not m:
            return
        if m.group(1):
            self.f += 1
        elif SKIP.search(m.group(2)):
            self.s += 1
            print("  skipped: %s: %s" % (os.path.basename(self.program or ""), m.group(2).strip()), flush=True)
        else:
            self.p += 1

    def again(self, program, why):
        """What was seen of it does not count."""
        print("  %s once more: %s" % (program, why), flush=True)
        self.begin(program)

    def end(self, program, status):
        if not self.f and (status not in (0, 77) or self.p + self.s == 0):
            self.f += 1
            self.output.append("(exit status %s, %d tests seen)" % (
                "%d: ran past its time" % TOO_LONG if status == TOO_LONG else status, self.p + self.s))
        print("%-4s %-52s %d passed, %d failed%s  (%d s)" % (
            "FAIL" if self.f else "ok", program, self.p, self.f, ", %d skipped" % self.s if self.s else "",
            time.time() - self.started), flush=True)
        if self.f:
            sys.stdout.write("".join("    | %s\n" % line for line in self.output[-120:]))
            sys.stdout.flush()
            self.findings += ["", program] + self.what_failed()
        self.passed += self.p
        self.failed += self.f
        self.skipped += self.s
        self.begin()

    def what_failed(self):
        """The lines "not ok" with the comments that follow them, or, without any, the end of all."""
        lines, wanted = [], False
        for line in self.output:
            m = LINE.match(line)
            wanted = bool(m.group(1)) if m else wanted and line.lstrip().startswith("#")
            if wanted:
                lines.append(line)
        return ["    " + line[:400] for line in (lines or self.output[-20:])]

    def broken(self, what, not_run, log):
        """The machine on which these should have run did not last."""
        self.begin(what)
        self.output = ["%s did not run to its end" % s for s in not_run] + log
        self.f = max(1, len(not_run))
        self.end(what, "lab")

    def add(self, lines):
        """What another run says: passes its lines on, but for the total. True: there was one."""
        total, finding = None, False
        for line in lines:
            text = line.rstrip("\n")
            total = TOTAL.match(text) or total
            finding = (finding or text == WHAT_FAILED) and not TOTAL.match(text)
            if finding and text != WHAT_FAILED and text:
                self.findings.append(text)
            print("  (%s)" % text if TOTAL.match(text) else text, flush=True)
        if total:
            self.passed += int(total.group(1))
            self.failed += int(total.group(2))
            self.skipped += int(total.group(3) or 0)
        return total is not None

    def close(self):
        """The exit status. The last line is "N passed, N failed, N skipped"."""
        if self.findings:
            print("\n".join([WHAT_FAILED] + self.findings + [""]))
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        return 1 if self.failed or not self.passed else 0
