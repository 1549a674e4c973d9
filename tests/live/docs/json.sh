#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl-ext-json(5) names what --json prints, here in dom0; tests/cli/json.sh has what needs no Xen.
# lab: --copy docs:/root/docs
# timeout: 300
. "$(dirname "$0")/../../lib/live.sh"

# told COMMAND ARGUMENT...: what xl-ext prints is what the page tells of COMMAND.
told() {
    name=$1
    shift
    xl-ext --json "$@" >"$scratch/json" 2>"$scratch/errors"
    held "$name"
}
# held COMMAND [--lines]: what stands in the file.
held() {
    if found=$(python3 "$tests_folder/lib/json-members.py" /root/docs/man/json-members "$@" <"$scratch/json" 2>&1) &&
        [ -s "$scratch/json" ]; then
        ok "$*: its members are those of the page"
    else
        not_ok "$*: its members are those of the page" "$found
$(head -c 300 "$scratch/errors")
$(head -c 600 "$scratch/json")"
    fi
}

at_end lab-guest destroy web
at_end lab-puppet stop p
check "a guest" lab-guest create --agent pvh web 192 320
check "a puppet" lab-puppet start p 100 200 instant
xl-ext memd 2>"$scratch/memd.log" &
at_end kill $!
check "memd answers" until_true 30 xl-ext mem-top --once

told mem-list mem-list
told mem-info mem-info web
told "mem-set --wait" mem-set -w web 208
xl-ext mem-watch --json --timeout 5 >"$scratch/json" 2>"$scratch/errors" &
watch=$!
sleep 1
xl-ext mem-set web 192
wait $watch
held mem-watch --lines

xl-ext mem-top --events --json >"$scratch/json" 2>"$scratch/errors" &
events=$!
check "the guest is balanced" xl-ext mem-range web 128 320
check "the puppet, too" xl-ext mem-range p 90 200
says 0 '"id"' "a reservation is made" xl-ext mem-reserve --json -t 60 --lease 60 16
sleep 1
xl-ext mem-set p 110
check "events come" until_true 30 grep -q PINNED "$scratch/json"
check "of all that happened" grep -q RESERVATION "$scratch/json"
kill $events
wait $events
held "mem-top --events" --lines

told mem-top mem-top
told mem-history mem-history
told mem-why mem-why web
told mem-plan mem-plan
told mem-reserve mem-reserve -t 60 --lease 60 8
told "mem-reserve --list" mem-reserve --list
told vcpu-list vcpu-list
told vcpu-info vcpu-info web
told vcpu-pin vcpu-pin web 0 all
told cpu-policy cpu-policy
cp "$scratch/json" "$scratch/host.json"
told cpu-policy cpu-policy web
cp "$scratch/json" "$scratch/guest.json"
told cpu-diff cpu-diff "$scratch/host.json" "$scratch/guest.json"
told migrate-check migrate-check web "$scratch/host.json"
told host-info host-info
cat >"$scratch/win.cfg" <<'END'
name = "win"
type = "hvm"
memory = 512
device_model_stubdomain_override = 1
disk = ["/nonexistent.qcow2,qcow2,xvda,w"]
END
told stubdom-check stubdom-check "$scratch/win.cfg"
told stubdom-list stubdom-list
finish
