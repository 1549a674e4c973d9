#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl-ext-json(5) names what --json prints: here of the commands that need no Xen, or only memd, which serves a simulated
# host. tests/live/docs/json.sh has the others.
. "$(dirname "$0")/../lib/cli.sh"

source=$(dirname "$0")/../..
members=$source/docs/man/json-members
work=$(mktemp -d)
trap 'kill "$memd" 2> /dev/null; wait; rm -rf "$work"' EXIT
: > "$work/out"
"$BUILD/tests/xl-ext-sim" --serve "$work" "$source/tests/prometheus/troubled.json" > "$work/out" &
memd=$!
tries=0
until grep -q '^serving$' "$work/out" || [ $tries -ge 600 ] || ! kill -0 "$memd"; do
    sleep 0.1
    tries=$((tries + 1))
done
export XL_EXT_RUN_FOLDER=$work

# told COMMAND ARGUMENT...: what the tool prints is what the page tells of COMMAND.
told() {
    name=$1
    shift
    "$tool" "$@" --json > "$work/json" 2> "$work/errors"
    if found=$(python3 "$tests_folder/lib/json-members.py" "$members" "$name" < "$work/json" 2>&1); then
        ok "$name: its members are those of the page"
    else
        not_ok "$name: its members are those of the page" "$found
$(cat "$work/errors")"
    fi
}

told host-info host-info
told mem-top mem-top
told mem-history mem-history
told cpu-diff cpu-diff "$source/tests/fuzz/corpus/cpu_policy/host.raw" "$source/tests/fuzz/corpus/cpu_policy/host-pools.raw"
cat > "$work/host.json" << 'END'
{"host":{"total_memkb":8388608,"free_memkb":1048576,"claimed_memkb":0,"reserve_memkb":131072},
 "reservations":[],"domains":[
 {"domid":1,"name":"web","type":"pvh","state":"running","actual_memkb":4194304,"target_memkb":4194304,
  "static_max_memkb":4194304,"min_memkb":262144,"max_memkb":4194304,"weight":256,"demand_memkb":null,"balloon":"ok","fixed":false},
 {"domid":2,"name":"db","type":"pvh","state":"running","actual_memkb":1048576,"target_memkb":1048576,
  "static_max_memkb":4194304,"min_memkb":262144,"max_memkb":4194304,"weight":256,"demand_memkb":3097152,"balloon":"ok","fixed":false}]}
END
told mem-plan mem-plan --from "$work/host.json"
grep -q '"steps": \[$' "$work/json" && ok "with steps to tell of" || not_ok "with steps to tell of" "$(cat "$work/json")"

# ---- the checker notices ----

checker() {
    python3 "$tests_folder/lib/json-members.py" "$work/members" "$@"
}
printf 'command x\nabout An object.\na number? A.\nb text\nc array*\nc[].d bool\n' > "$work/members"
# notices TEXT WHAT JSON
notices() {
    if found=$(printf '%s' "$3" | checker x); then
        not_ok "$2 is noticed" "$3"
    else
        equal "$1" "$found" "$2 is noticed"
    fi
}
equal "" "$(printf '{"a": null, "b": "x", "c": [{"d": true}]}' | checker x)" "what is as told is no fault"
notices "e is not told of" "a member that is not told of" '{"a": 1, "b": "x", "e": 1}'
notices "b is told of and not there" "one that is missing" '{"a": 1}'
notices "b is None, told is text" "null where it is not told" '{"a": 1, "b": null}'
notices "a is '1', told is number" "another type" '{"a": "1", "b": "x"}'
notices "a is True, told is number" "also true for a number" '{"a": true, "b": "x"}'
notices "c[].d is told of and not there" "one that is missing in an array" '{"a": 1, "b": "x", "c": [{}]}'

# ---- the page is whole ----

# Whatever key a command's file has for a column, some member of that command ends in it.
untold=$(grep -l 'struct xlx_column' "$source"/libxl-plugins/*/cmd-*.c "$source"/libxl-plugins/*/*/cmd-*.c | while read -r file; do
    name=$(sed -n 's/^    \.name = "\([a-z-]*\)",$/\1/p' "$file")
    awk -v name="$name" '$1 == "command" { ours = $2 == name } ours { sub(/.*[].]/, "", $1); print $1 }' "$members" > "$work/told"
    grep -oE '\{(NULL|"[^"]*"), "[a-z_0-9]+", (0|XLX_COLUMN)' "$file" | sed 's/.*, "\([a-z_0-9]*\)", .*/\1/' | while read -r key; do
        grep -qx -e "$key" "$work/told" || echo "$name: $key"
    done
done)
equal "" "$untold" "each column of a command's table is told of"
columns=$(cat "$source"/libxl-plugins/*/cmd-*.c | grep -cE '\{(NULL|"[^"]*"), "[a-z_0-9]+", (0|XLX_COLUMN)')
[ "$columns" -gt 50 ] && ok "and there are many" || not_ok "and there are many" "$columns"

python3 "$tests_folder/lib/json-members.py" "$members" | cut -d ' ' -f 1 | sort -u > "$work/told"
"$tool" help --tables | awk -F '\t' '$1 == "command" && $3 ~ /--json/ { print $2 }' | sort > "$work/commands"
equal "" "$(comm -13 "$work/told" "$work/commands" | tr '\n' ' ')" "each command that shows --json in its synopsis is told of"
"$tool" help --tables | awk -F '\t' '$1 == "command" { print $2 }' | sort > "$work/commands"
equal "" "$(comm -23 "$work/told" "$work/commands" | tr '\n' ' ')" "no command is told of that is gone"
finish
