# SPDX-License-Identifier: LGPL-2.1-or-later
# For scripts that run as root in the lab's dom0; sourced. A script prints TAP, cleans up what it made, and ends in "finish".
#
# The head of a script tells "tests/run live" where it belongs, in comments:
#   # live: core          also part of "make check" (the others: "make check-all")
#   # lab: --smp 4        options of lab/xen-lab for this script (scripts with the same options share one boot)
#   # timeout: 120        seconds it may run (default 180)
#   # environment: NAME   variables of the caller's environment that it gets, by blanks

export LC_ALL=C.UTF-8
scratch=$(mktemp -d)

# $0 is the script: a file somewhere below tests/.
tests_folder=$(dirname "$0")
while [ ! -e "$tests_folder/lib/results.sh" ] && [ ${#tests_folder} -lt 4000 ]; do tests_folder=$tests_folder/..; done
# shellcheck source=tests/lib/results.sh
. "$tests_folder/lib/results.sh"

# says STATUS PATTERN NAME COMMAND...: COMMAND exits with STATUS and prints (stdout or stderr) a line that matches PATTERN
says() {
    command_says "$@"
}

# json FILTER: one value out of JSON on standard input, for example: xl-ext mem-list --json | json '.[0].target_memkb'
json() {
    jq -r "$1"
}

# until_true SECONDS COMMAND...: tries COMMAND again and again, at most so long
until_true() {
    until_end=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$until_end" ] || return 1
        sleep 0.2
    done
}

target_of() {
    xenstore-read "/local/domain/$1/memory/target"
}

# KiB that the hypervisor counts as the domain's (name or domid)
actual_of() {
    xl-ext mem-list --json "$1" | json '.[0].actual_memkb'
}

# at_end COMMAND...: run when the script ends, in whatever way
at_end_commands=
at_end() {
    at_end_commands="$*
$at_end_commands"
}
# start_memd [OPTION]...: memd beside the script, $memd; it answers now, and ends with the script. Its log: $scratch/memd.log
start_memd() {
    xl-ext memd "$@" >>"$scratch/memd.log" 2>&1 &
    memd=$!
    at_end kill $memd
    check "memd answers" until_true 60 xl-ext mem-top --once
}
live_cleanup() {
    eval "$at_end_commands" >/dev/null 2>&1
    rm -rf "$scratch"
}
trap live_cleanup EXIT
trap 'exit 130' INT TERM
