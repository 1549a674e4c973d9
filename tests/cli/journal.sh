#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a service says has a priority in systemd's journal, and nothing before it where somebody else reads.
. "$(dirname "$0")/../lib/cli.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# systemd names the journal by device and inode in the environment; what standard error is decides.
: > "$scratch/journal"
JOURNAL_STREAM=$(stat -c %d:%i "$scratch/journal")
export JOURNAL_STREAM

"$tool" mem-list --nonsense 2> "$scratch/journal"
command_says 0 "^<3>xl-ext: .*unknown option" "an error is one in the journal" head -n 1 "$scratch/journal"
"$tool" mem-plan --from "none
<0>forged" 2> "$scratch/journal"
command_says 1 "" "nobody begins a line of his own there" grep "^<0>" "$scratch/journal"
"$tool" mem-list --nonsense 2> "$scratch/file"
command_says 0 "^xl-ext: .*unknown option" "in a file that took the journal's place it is text alone" head -n 1 "$scratch/file"
JOURNAL_STREAM=nonsense "$tool" mem-list --nonsense 2> "$scratch/journal"
command_says 0 "^xl-ext: " "so is it where systemd's words cannot be read" head -n 1 "$scratch/journal"
finish
