#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 900
# lab-guest on PV, PVH and HVM guests: exec is exact, eat takes real memory, destroy leaves nothing.

. tests/lib/live.sh

# What programs hold. Not what is available: of what they give back Linux keeps megabytes aside for the next one, since 6.7.
anonymous_kb() {
    lab-guest exec "$1" awk '/^AnonPages/ { print $2 }' /proc/meminfo
}

for type in pv pvh hvm; do
    guest=lab-$type
    at_end xl destroy "$guest"
    if ! lab-guest create "$type" "$guest" 128 256; then
        not_ok "a $type guest of 128 MiB answers" "$(tail -n 5 "/var/log/xen/console/guest-$guest.log")"
        continue
    fi
    ok "a $type guest of 128 MiB answers"
    equal "$(seq 3 9000)" "$(lab-guest exec "$guest" seq 3 9000)" "exec in $type brings long output whole"
    lab-guest exec "$guest" 'echo out; echo err >&2; exit 42' > "$scratch/out" 2> "$scratch/err"
    equal "42 out err" "$? $(cat "$scratch/out") $(cat "$scratch/err")" \
        "exec in $type returns status, stdout and stderr"
    equal "<a b><><c>" "$(lab-guest exec "$guest" printf '<%s>' 'a b' '' c)" "exec in $type keeps arguments"

    before=$(anonymous_kb "$guest")
    lab-guest eat "$guest" 24 > /dev/null
    eaten=$(($(anonymous_kb "$guest") - before))
    check "eat in $type takes what it was told ($eaten KiB)" test "$eaten" -gt 20000 -a "$eaten" -lt 32000
    lab-guest relax "$guest"
    left=$(($(anonymous_kb "$guest") - before))
    check "relax in $type gives it back (but $left KiB)" test "$left" -lt 3000
done

guest=lab-pv
says 124 "did not finish" "exec that runs past --timeout is ended" lab-guest exec --timeout 2 "$guest" sleep 1000
check "and leaves nothing running" eval "! lab-guest exec $guest pidof sleep"
says 127 "nonsense" "exec of an unknown command exits 127" lab-guest exec "$guest" nonsense
says 1 "no guest" "exec in an unknown guest is refused" lab-guest exec no-such-guest true
says 137 "" "a program killed by a signal gives 128 + the signal" lab-guest exec "$guest" 'kill -9 $$'
for i in 1 2 3 4; do
    lab-guest exec "$guest" sh -c "echo begin; sleep 0.2; echo end $i" > "$scratch/par.$i" &
done
wait
equal "begin end 1 begin end 2 begin end 3 begin end 4" "$(cat "$scratch"/par.? | tr '\n' ' ' | sed 's/ $//')" \
    "execs at the same time do not mix"
argument=$(head -c 6000 /dev/zero | tr '\0' x)
equal "$argument" "$(lab-guest exec "$guest" echo "$argument")" "an argument of 6000 bytes arrives"

says 0 "so far" "eat of more than there is stops before the guest's last memory" lab-guest eat "$guest" 200
sleep 1
check "and the eater lives on" lab-guest exec "$guest" pidof eat
xl mem-set "$guest" 256
check "it eats on when memory comes" until_true 60 eval "[ \$(lab-guest exec $guest awk '/MemAvailable/ { print \$2 }' /proc/meminfo) -lt 20000 -a \$(lab-guest exec $guest awk '/MemTotal/ { print \$2 }' /proc/meminfo) -gt 200000 ]"
lab-guest relax "$guest"

check "a PV guest is saved" xl save "$guest" "$scratch/saved"
check "and restored" xl restore "$scratch/saved"
check "and answers again" lab-guest wait --timeout 60 "$guest"
equal "still here" "$(lab-guest exec "$guest" echo still here)" "exec works after save and restore"

for type in pv pvh hvm; do
    lab-guest destroy "lab-$type"
done
check "destroyed guests are gone" eval "! xl list | grep -q lab-"
finish
