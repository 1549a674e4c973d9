#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""howto.py PAGE: does in dom0 what a how-to says, and holds what it shows against what comes. Prints TAP.

In an indented block of the page
    dom0# COMMAND        is carried out and must succeed, or exit as "(exit status N)" below it says;
    > MORE               goes on with the command;
other lines up to the next blank one are what it prints: they must come in that order, with other numbers and other blanks,
and "..." stands for anything, on a line of its own for any lines. <!-- lab: COMMAND --> is not seen by readers; it makes what
the page takes for given. Each command is a shell of its own.
"""
import re
import subprocess
import sys
import tempfile

PROMPT = re.compile(r"    dom0# (.*)")
HIDDEN = re.compile(r"<!-- lab: (.*?) -->", re.S)
LIMIT_S = 400
failed = 0


def tell(ok, name, why=""):
    global failed
    print("%s - %s" % ("ok" if ok else "not ok", name), flush=True)
    if not ok:
        failed += 1
        print("".join("#   %s\n" % line for line in why.splitlines()), end="", flush=True)


class Step:
    def __init__(self, command, hidden=False):
        self.command, self.hidden, self.shown = command, hidden, []

    def status(self):
        for line in self.shown:
            found = re.fullmatch(r"\(exit status (\d+)\)", line.strip())
            if found:
                return int(found[1])
        return 0

    def output(self):
        return [line for line in self.shown if not re.fullmatch(r"\(exit status \d+\)", line.strip())]


def read(text):
    steps, current = [], None
    for part in re.split(r"(<!-- lab: .*? -->)", text, flags=re.S):
        hidden = HIDDEN.fullmatch(part)
        if hidden:
            steps.append(Step(hidden[1], True))
            current = None
            continue
        for line in part.splitlines():
            prompt = PROMPT.fullmatch(line)
            if prompt:
                current = Step(prompt[1])
                steps.append(current)
            elif current and line.startswith("    > "):
                current.command += "\n" + line[6:]
            elif current and line.startswith("    ") and line.strip():
                current.shown.append(line[4:])
            else:
                current = None
    return steps


def pattern(line):
    """Numbers may be others, and columns as wide as they like."""
    parts = []
    for piece in re.split(r"(\.\.\.|-?\d[\d.]*|\s+)", line.strip()):
        if piece == "...":
            parts.append(".*")
        elif re.fullmatch(r"-?\d[\d.]*", piece):
            # Debian's Xen may call itself "4.20.5-pre".
            parts.append(r"-?\d[\d.]*" + (r"(-[a-z]+)?" if piece.count(".") == 2 else ""))
        elif piece.isspace():
            parts.append(r"\s+")
        else:
            parts.append(re.escape(piece))
    return re.compile(r"\s*" + "".join(parts) + r"\s*")


def not_shown(shown, lines):
    """The first line of the page that does not come, or None."""
    at = 0
    for line in shown:
        if line.strip() == "...":
            continue
        wanted = pattern(line)
        while at < len(lines) and not wanted.fullmatch(lines[at]):
            at += 1
        if at == len(lines):
            return line
        at += 1
    return None


def carry_out(command):
    # A file: what is left running in the background must not be waited for.
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        try:
            status = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    timeout=LIMIT_S).returncode
        except subprocess.TimeoutExpired:
            status = "none within %d s" % LIMIT_S
        out.seek(0)
        return status, out.read()


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        steps = read(f.read())
    visible = 0
    for step in steps:
        status, output = carry_out(step.command)
        name = step.command.splitlines()[0]
        if step.hidden:
            if status:
                tell(False, name, "exit status %s\n%s" % (status, output))
                break
            continue
        visible += 1
        missing = not_shown(step.output(), output.splitlines())
        tell(status == step.status() and missing is None, name,
             "exit status %s, wanted %s\n%s%s" % (status, step.status(),
                                                  "does not come: %s\n" % missing if missing is not None else "", output))
    tell(visible > 2, "the page has commands to carry out", "%d" % visible)
    return 1 if failed else 0


sys.exit(main())
