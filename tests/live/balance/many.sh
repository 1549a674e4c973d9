#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A hundred guests: need moves from ten of them to ten others, while one writes its statistics without pause and one is stuck.
# lab: --mem 6144
# timeout: 600
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
low=34 high=64
printf 'manage = "all"\ndefault_min = %s\n' $low >"$scratch/memd.cfg"
each=$((($(xl info free_memory) - 300) / 100))
[ $each -lt 37 ] || each=37
at_end lab-puppet stop many
at_end lab-puppet stop hog
at_end lab-puppet stop fixed
check "98 guests, one more and a stuck one" sh -c "lab-puppet start many $each $high instant --count 99 && lab-puppet start fixed $high $high stuck"
hog=$(($(xl info free_memory) - 150))
check "and the host is full" lab-puppet start hog $hog $hog stuck
xl-ext memd -c "$scratch/memd.cfg" >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 30 test -S /run/xl-ext/control.sock

# reports NAME USED: all that it holds, at most
reports() {
    lab-puppet stats "$1" total-memory=$((high << 20)) available-memory=$(((high - $2) << 20))
}
# hungry FROM TO: these, of all, have what they need
hungry() {
    xl-ext mem-top --once --json | jq -e --argjson from "$1" --argjson to "$2" --argjson want $(((high - 3) * mib)) '
        [.domains[] | select(.name | startswith("many-")) | select((.name[5:] | tonumber) as $n | $n >= $from and $n <= $to)]
        | length == $to - $from + 1 and all(.target_memkb >= $want and .actual_memkb >= $want)' >/dev/null
}
no_fault() {
    xl-ext mem-top --once --json | jq -r --argjson low $((low * mib)) --argjson high $((high * mib)) '
        .host.budget_memkb as $budget
        | ([.domains[] | select(.managed and .balloon != "stuck" and .name != "hog")] | map(.target_memkb) | add) as $sum
        | if $sum > $budget + 1024 then "targets \($sum), budget \($budget)" else empty end,
          (.domains[] | select(.name | startswith("many-")) | select(.target_memkb > $high or .target_memkb < $low)
            | "\(.name): \(.target_memkb)")'
}

check "all can be seen" until_true 60 sh -c '[ "$(xl-ext mem-top --once --json | jq "[.domains[] | select(.managed)] | length")" -ge 100 ]'
reports many 1
domid=$(xl domid many-99)
while :; do
    xenstore-write "/local/domain/$domid/data/memory-stats" "total-memory $((high << 20))
available-memory $(((high - RANDOM % high) << 20))
"
done &
spam=$!
at_end kill $spam
for first in 1 11; do
    for i in $(seq $first $((first + 9))); do
        reports many-$i 60
    done
    check "ten guests get what they need" until_true 60 hungry $first $((first + 9))
    equal "" "$(no_fault)" "with the sum of all targets within the budget and each within its range"
    [ "$(xl info free_memory)" -ge 120 ] && ok "and the host's reserve untouched" || not_ok "and the host's reserve untouched" "$(xl info free_memory)"
    for i in $(seq $first $((first + 9))); do
        reports many-$i 1
    done
done
kill $spam
xl-ext mem-top --once | awk 'NR < 16' | sed 's/^/# /'
sed 's/^/# memd: /' "$scratch/memd.log" | tail -5
finish
