#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-plan --from: names and exit statuses, on a machine without Xen.
here=$(dirname "$0")
. "$here/../../lib/cli.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# host DOMAIN...: a file with 1 GiB free memory and these domains
host() {
    printf '{"host":{"total_memkb":8388608,"free_memkb":1048576,"claimed_memkb":0,"reserve_memkb":131072},'
    printf '"reservations":[{"id":"r1","memkb":65536}],"domains":['
    comma=
    for d in "$@"; do
        printf '%s%s' "$comma" "$d"
        comma=,
    done
    printf ']}\n'
}
# domain DOMID MIN MAX WEIGHT DEMAND
domain() {
    printf '{"domid":%s,"name":"d%s","type":"pvh","state":"running","actual_memkb":1048576,"target_memkb":1048576,' "$1" "$1"
    printf '"static_max_memkb":4194304,"min_memkb":%s,"max_memkb":%s,"weight":%s,"demand_memkb":%s,' "$2" "$3" "$4" "$5"
    printf '"balloon":"ok","fixed":false}'
}

host "$(domain 1 262144 4194304 256 null)" "$(domain 2 262144 4194304 256 2097152)" >"$tmp/good"
says 0 '"feasible": *true' "a plan says that it is feasible" mem-plan --from "$tmp/good" --json
says 0 '"target_memkb": *2392064' "a demand is met, and what is left goes by weight, also to who says nothing" mem-plan --from "$tmp/good" --json
says 0 '^step 2: domain 2' "the text form lists the steps, donors first" mem-plan --from "$tmp/good"
host "$(domain 1 4194304 4194304 1 null)" >"$tmp/short"
says 0 '"feasible": *false' "an infeasible plan is no error" mem-plan --from "$tmp/short" --json
says 0 '"shortfall_memkb": *2293760' "and says what is missing" mem-plan --from "$tmp/short" --json
host "$(domain 1 2097152 1048576 1 null)" >"$tmp/range"
says 2 'minimum' "a minimum above the maximum is refused" mem-plan --from "$tmp/range"
host "$(domain 1 0 1048576 0 null)" >"$tmp/weight"
says 2 'weight 0' "a weight of 0 is refused" mem-plan --from "$tmp/weight"
host "$(domain 7 0 1048576 1 null)" "$(domain 7 0 1048576 1 null)" >"$tmp/twice"
says 2 'domain 7 is there twice' "a domid twice is refused" mem-plan --from "$tmp/twice"
host "$(domain 1 0 1048576 1 -5)" >"$tmp/negative"
says 2 'demand_memkb' "a negative size is refused" mem-plan --from "$tmp/negative"
echo '{"host":' >"$tmp/broken"
says 2 "$tmp/broken" "invalid JSON is refused" mem-plan --from "$tmp/broken"
echo '[]' >"$tmp/array"
says 2 'not a JSON object' "JSON of another form is refused" mem-plan --from "$tmp/array"
awk 'BEGIN { printf "{\"host\":{\"total_memkb\":0,\"free_memkb\":0,\"claimed_memkb\":0,\"reserve_memkb\":0},\"reservations\":[],\"domains\":[0"
    for (i = 0; i < 40000; i++) printf ",0"
    print "]}" }' >"$tmp/many"
says 2 'more than Xen knows' "more domains than can be are refused before they are read" mem-plan --from "$tmp/many"
says 2 'No such file' "a file that is not there is refused" mem-plan --from "$tmp/nothing"
if "$tool" mem-plan --from - --json <"$tmp/good" | grep -q '"steps"'; then
    ok "- is standard input"
else
    not_ok "- is standard input"
fi
if python3 "$here/plan_oracle.py" "$tool" 150; then
    ok "150 random hosts are planned as exact fractions say"
else
    not_ok "150 random hosts are planned as exact fractions say"
fi
finish
