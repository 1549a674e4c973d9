#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# "alias xl=xl-ext" in bash, and create with a console (-c).
# timeout: 500
. "$(dirname "$0")/../../lib/live.sh"

mib=1024

# typed LINE...: as a person in bash who has the alias; standard output and error together.
typed() {
    {
        echo 'shopt -s expand_aliases'
        echo 'alias xl=xl-ext'
        printf '%s\n' "$@"
    } >"$scratch/typed"
    bash "$scratch/typed" 2>&1
}

xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock

# configuration TYPE NAME: of a guest that was made and is gone again.
configuration() {
    check "a $1 guest is made, for its configuration" lab-guest create "$1" "$2" 128 160
    cp "$(find /run -name "$2.cfg" | head -1)" "$scratch/$2.cfg"
    lab-guest destroy "$2"
    at_end xl destroy "$2"
}

# ---- the alias ----

configuration pvh aliased
cfg=$scratch/aliased.cfg
says 0 "xl-ext" "the alias is xl-ext" typed 'type xl'
says 0 "^Domain-0 " "list" typed 'xl list'
says 0 "xen_version" "info, which is xl's alone" typed 'xl info'
says 0 "^  mem-why " "help, with commands of ours" typed 'xl help'
says 0 "" "create, with a key of ours" typed "xl create -q $cfg dynamic_memory_min=128"
domid=$(xl domid aliased)
equal "$((128 * mib))" "$(xenstore-read "/local/domain/$domid/memory/dynamic-min")" "which has its effect"
says 0 "128" "mem-list" typed 'xl mem-list aliased'
says 1 "is an invalid domain identifier" "a domain that is not there is xl's to name" typed 'xl pause nobody'
check "destroy" typed 'xl destroy aliased'

# ---- the console ----

# xl's console reads from a terminal, which "script" is to it; of its own input nothing comes, and no end.
mkfifo "$scratch/keys"
exec 5<>"$scratch/keys"
script -qfc "xl-ext create -c $cfg" "$scratch/console" <&5 >/dev/null 2>&1 &
created=$!
check "create -c starts it" until_true 60 lab-guest wait aliased
check "and its reservation ends with the build" \
    until_true 10 sh -c '[ "$(xl-ext mem-reserve --list --json | jq length)" = 0 ]'
check "its console is open" until_true 20 pgrep -f "xenconsole.* $(xl domid aliased)( |\$)"
check "while xl has it open" kill -0 $created
xl destroy aliased
check "until the guest has ended" timeout 60 tail --pid=$created -f /dev/null

sed 's/^/# memd: /' "$scratch/memd.log" | tail -5
finish
