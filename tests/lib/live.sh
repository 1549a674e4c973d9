# SPDX-License-Identifier: LGPL-2.1-or-later
# For scripts that run as root in the lab's dom0; sourced. A script prints TAP, cleans up what it made, and ends in "finish".
#
# The head of a script tells tests/run-live where it belongs, in comments:
#   # live: core          also part of "make check" (the others: "make check-all")
#   # lab: --smp 4        options of lab/xen-lab for this script (scripts with the same options share one boot)
#   # timeout: 120        seconds it may run (default 180)

export LC_ALL=C.UTF-8
failures=0
scratch=$(mktemp -d)

ok() {
    echo "ok - $1"
}

# not_ok NAME [LINE]...: with what there is to say about it
not_ok() {
    echo "not ok - $1"
    failures=$((failures + 1))
    shift
    for line; do printf '%s\n' "$line" | sed 's/^/#   /'; done
}

skip() {
    echo "ok - $1 # SKIP $2"
}

# check NAME COMMAND...: COMMAND succeeds
check() {
    check_name=$1
    shift
    if check_output=$("$@" 2>&1); then
        ok "$check_name"
    else
        not_ok "$check_name" "exit status $? of: $*" "$check_output"
    fi
}

# says STATUS PATTERN NAME COMMAND...: COMMAND exits with STATUS and prints (stdout or stderr) a line that matches PATTERN
# (sh has no local variables: those of this file are named for their function)
says() {
    says_want=$1 says_pattern=$2 says_name=$3
    shift 3
    says_output=$("$@" 2>&1 </dev/null) && says_status=0 || says_status=$?
    if [ "$says_status" = "$says_want" ] && printf '%s\n' "$says_output" | grep -q -e "$says_pattern"; then
        ok "$says_name"
    else
        not_ok "$says_name" "$*: exit status $says_status, wanted $says_want and '$says_pattern'" "$says_output"
    fi
}

# equal WANTED GOT NAME
equal() {
    if [ "$1" = "$2" ]; then
        ok "$3"
    else
        not_ok "$3" "wanted: $1" "got:    $2"
    fi
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
live_cleanup() {
    eval "$at_end_commands" >/dev/null 2>&1
    rm -rf "$scratch"
}
trap live_cleanup EXIT
trap 'exit 130' INT TERM

finish() {
    [ $failures = 0 ]
    exit
}
