#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tool does on a machine without Xen.
. "$(dirname "$0")/../lib/cli.sh"

[ -e /proc/xen/capabilities ] && skip_all "this machine runs on Xen"

says 0 "usage: xl-ext" "help works without Xen" help
says 0 "xl-ext [0-9]" "--version works without Xen" --version
says 1 "does not run on Xen" "a command for dom0 says what this machine is instead" mem-list
says 1 "xl-ext: mem-list: .*lab" "and what to do" mem-list
says 2 "unknown option" "an unknown option is refused" mem-list --nonsense
says 2 "usage: xl-ext mem-list" "with the usage of the command" mem-list --nonsense
says 2 "option --x?\[2J?" "what a message repeats cannot command the terminal" mem-list "$(printf -- "--x\033[2J\302\233")"
PATH="$(dirname "$(command -v grep)"):$(dirname "$(command -v sed)")"
export PATH
if [ -x "$(dirname "$(command -v grep)")/xl" ]; then
    skip "a command of xl needs an xl" "xl lies beside grep"
else
    says 1 "no xl in PATH" "a command of xl needs an xl" list
fi
finish
