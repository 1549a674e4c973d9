#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Guests of every character behind a QMP monitor, and clients of every character before it.
# timeout: 300
. "$(dirname "$0")/lib.sh"

start_memd
start() {
    at_end lab-puppet stop "$1"
    check "a puppet starts: $*" lab-puppet start "$@"
    until_true 20 test -L $run/$1
    # A puppet's offset is 0, a PVH guest's 64 KiB until it has been seen settled.
    check "and is calibrated" xl-ext mem-set -w "$1" "$2"
}

start quick 128 256 instant
start slow 200 256 rate=8192
start hard 128 256 stuck
start lazy 128 256 giveup

listen slow
xl-ext qmp slow balloon value=$((160 * 1048576)) >/dev/null
check "a slow guest is followed to its end" becomes slow $((160 * 1048576))
check "the last size is told" until_true 5 last_event_is $((160 * 1048576))
equal "" "$(closer_than_a_second)" "about once a second"

equal '{}' "$(xl-ext qmp hard balloon value=$((100 * 1048576)))" "a guest that does not move takes a request"
sleep 2
equal $((128 * 1048576)) "$(actual hard)" "and stays where it is, without an error"

domid=$(xl domid lazy)
xl-ext qmp lazy query-name >/dev/null
xenstore-write /local/domain/$domid/memory/target $((200 * 1024))
sleep 20
equal $((129 * 1048576)) "$(actual lazy)" "a guest gives up against its limit"
xl-ext qmp -e lazy balloon value=$((200 * 1048576)) >/dev/null 2>&1 &
at_end kill $!
sleep 8
xl-ext qmp lazy balloon value=$((200 * 1048576)) >/dev/null
check "asked again for the same it arrives" becomes lazy $((200 * 1048576))
check "and its target is what was asked for" until_true 10 sh -c "[ \$(xenstore-read /local/domain/$domid/memory/target) = $((200 * 1024)) ]"

# Clients
python3 "$(dirname "$0")/../../lib/qmp-clients.py" $run/quick || not_ok "the clients' script ran to its end"
if [ "$(awk '/VmRSS/ { print $2 }' /proc/$memd/status)" -lt 16384 ]; then
    ok "memd has not grown by all that"
else
    not_ok "memd has not grown by all that" "$(grep VmRSS /proc/$memd/status)"
fi
equal "" "$(dmesg | grep -i segfault)" "no program has crashed"
finish
