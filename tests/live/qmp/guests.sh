#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The QMP balloon of a PV, a PVH and an HVM Linux guest (or of those that QMP_TYPES names).
# timeout: 1500
. "$(dirname "$0")/lib.sh"

types=${QMP_TYPES:-pv pvh hvm}
first=${types%% *}

start_memd
for type in $types; do
    at_end lab-guest destroy "qmp-$type"
    check "$type: a guest boots" lab-guest create $type "qmp-$type" 256 256
    xl domid "qmp-$type" >/dev/null 2>&1 || finish
done

for type in $types; do
    name=qmp-$type
    domid=$(xl domid $name)
    check "$type: there is a socket for it" test -S $run/$domid
    equal "$domid" "$(readlink $run/$name)" "$type: and a link by its name"
    equal 600 "$(stat -c %a $run/$domid)" "$type: that only its owner may use"
    full=$((256 * 1048576 - $(xenstore-read /local/domain/"$domid"/memory/videoram) * 1024))
    equal $full "$(xl-ext qmp $name query-memory-size-summary | json '.["base-memory"]')" "$type: its size is its static-max, less video memory"
    booted=$(actual $name)
    equal $(($(target_of $domid) * 1024)) "$booted" "$type: at rest it has exactly its target"
    equal $full "$booted" "$type: which is its size"

    listen $name
    wanted=$((160 * 1048576 - 1))
    equal '{}' "$(xl-ext qmp $name balloon value=$wanted)" "$type: balloon answers at once"
    check "$type: actual becomes what was asked for, rounded up to a page" becomes $name $((wanted + 1))
    check "$type: the last event tells that size" until_true 20 last_event_is $((wanted + 1))
    events=$(grep -c BALLOON_CHANGE "$scratch/events")
    [ "$events" -ge 1 ] && ok "$type: changes are told" || not_ok "$type: changes are told"
    equal "" "$(closer_than_a_second)" "$type: no two events are closer than a second, but the first"

    before=$(grep -c . "$scratch/events")
    xl-ext qmp $name balloon value=$wanted >/dev/null
    sleep 2
    equal "$before" "$(grep -c . "$scratch/events")" "$type: the same size again makes no event"

    lab-guest exec $name sh -c "echo $((140 * 1024)) > /sys/devices/system/xen_memory/xen_memory0/target_kb"
    check "$type: what the guest does by itself is noticed" until_true 30 grew_or_shrank_from $((wanted + 1))
    equal $((160 * 1024)) "$(target_of $domid)" "$type: although its target stands"

    xl-ext qmp $name balloon value=$((200 * 1048576)) >/dev/null
    check "$type: a request after that is followed" becomes $name $((200 * 1048576))

    xl-ext qmp $name stop >/dev/null
    equal paused "$(xl-ext qmp $name query-status | json .status)" "$type: stop pauses it"
    check "$type: and is told" until_true 10 grep -q '"STOP"' "$scratch/events"
    equal '{}' "$(xl-ext qmp $name balloon value=$((180 * 1048576)))" "$type: a paused guest takes a request"
    sleep 2
    equal $((200 * 1048576)) "$(actual $name)" "$type: and does not move"
    xl-ext qmp $name cont >/dev/null
    check "$type: cont lets it run" until_true 10 grep -q '"RESUME"' "$scratch/events"
    check "$type: and it moves" becomes $name $((180 * 1048576))
    xl pause $name
    check "$type: xl pause is noticed" until_true 10 sh -c "[ \$(grep -c '\"STOP\"' $scratch/events) = 2 ]"
    xl unpause $name
    check "$type: xl unpause too" until_true 10 sh -c "[ \$(grep -c '\"RESUME\"' $scratch/events) = 2 ]"

    xl-ext qmp $name balloon value=9223372036854775807 >/dev/null
    check "$type: more than there is means all there is" becomes $name $full

    xl-ext qmp $name balloon value=1 >/dev/null
    sleep 3
    check "$type: a size no guest can live with does not kill it" lab-guest exec $name true
    xl-ext qmp $name balloon value=$full >/dev/null
    check "$type: it returns to its full size" becomes $name $full
done

# killed and started again
kill -9 $memd
wait $memd 2>/dev/null
start_memd
# Those of the killed one still lie there: that there is one tells nothing.
check "after kill -9 and a new start the sockets serve again" until_true 20 sh -c "xl-ext qmp qmp-$first query-balloon >/dev/null 2>&1"
equal "$full" "$(actual "qmp-$type")" "with the same figures"

xl rename qmp-$first renamed
check "a new name gets its link" until_true 10 test -L $run/renamed
check "and the old one is gone" until_true 10 sh -c "! test -L $run/qmp-$first"
xl rename renamed qmp-$first

listen qmp-$type
domid=$(xl domid qmp-$type)
lab-guest exec qmp-$type poweroff -f >/dev/null 2>&1 || xl shutdown -F qmp-$type >/dev/null 2>&1
check "a guest that powers off is told" until_true 60 grep -q '"SHUTDOWN".*"guest": true' "$scratch/events"
xl destroy $domid 2>/dev/null
check "its socket goes with it" until_true 20 sh -c "! test -e $run/$domid"
check "and so does the link" until_true 20 sh -c "! test -L $run/qmp-$type"

if [ "$first" != "$type" ]; then
    listen qmp-$first
    xl destroy qmp-$first
    if until_true 20 sh -c "! kill -0 $listener"; then
        ok "a guest that is destroyed ends its connections"
    else
        not_ok "a guest that is destroyed ends its connections" "$(xl list)" "$(ls $run)" "$(head -n 3 "/proc/$listener/status")"
    fi
    check "after telling so" grep -q '"SHUTDOWN".*"guest": false' "$scratch/events"
fi

kill $memd
wait $memd
equal 0 $? "SIGTERM ends memd in good order"
equal "" "$(ls $run)" "and leaves no socket"
finish
