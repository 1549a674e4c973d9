#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest is saved and migrated small, and grows back where it goes on; a restore and a journey find the memory that they need.
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
member() {
    xl-ext mem-list --json small | json ".[0].$1"
}
holds_at_least() {
    [ "$(actual_of small)" -ge "$1" ]
}
why() {
    xl-ext mem-why --json small | json ".$1"
}
# grown_back NAME
grown_back() {
    check "it grows back $1" until_true 120 holds_at_least $((300 * mib))
    echo "# it holds $(actual_of small) KiB; its driver: $(lab-guest exec small 'cd /sys/devices/system/xen_memory/xen_memory0; grep . target_kb info/*' | tr '\n' ' ')"
    equal "$target" "$(member target_memkb)" "its target is that of before $1"
    check "and its limit lets it have that $1" test "$(member max_memkb)" -ge "$target"
}

# ---- saved ----

at_end xl destroy small
check "a guest" lab-guest create --agent pvh small 304 304
target=$(member target_memkb)
check "xl saves it as it is" xl save -c small "$scratch/plain"
plain=$(stat -c %s "$scratch/plain")
says 1 "nobody knows what it needs" "without memd somebody must say how small" xl-ext save --compact small "$scratch/none"
says 4 "cannot live with less" "what a guest cannot live with is refused" xl-ext save --compact --to 20 small "$scratch/none"
check "and no file was begun" test ! -e "$scratch/none"
check "it is saved small, and goes on" xl-ext save -c --compact --to 160 small "$scratch/small"
size=$(stat -c %s "$scratch/small")
check "the file has what it needs ($size bytes, $plain)" test "$size" -lt $((plain * 2 / 3))
rm "$scratch/small"
grown_back "here"
check "a program is left running in it" lab-guest exec small 'setsid sh -c "while :; do date +%s > /run/now; sleep 1; done" > /dev/null 2>&1 < /dev/null &'

# ---- with what memd knows ----

start_memd
check "it balances the guest" xl-ext mem-range small 128 304
knows_need() {
    need=$(why demand_memkb)
    [ "$need" != null ] && [ "$need" -lt $((250 * mib)) ]
}
check "memd knows what it needs" until_true 120 knows_need
cat >"$scratch/ssh" <<'SSH'
#!/bin/sh
exit 1
SSH
chmod +x "$scratch/ssh"
check "a journey that fails at once is reported" sh -c "! xl-ext migrate -f --compact --to 200 -s $scratch/ssh small localhost"
equal "true false" "$(why managed) $(why pinned)" "and memd goes on with the guest"
check "which has its limit back" until_true 60 holds_at_least $((210 * mib))
check "xl-ext saves it with what it needs" xl-ext save --compact small "$scratch/small"
size=$(stat -c %s "$scratch/small")
check "the file has what it needs ($size bytes, $plain)" test "$size" -lt $((plain * 9 / 10))
check "the guest is gone" sh -c '! xl domid small'

# ---- restored, with its memory reserved ----

seen=$scratch/seen
(while :; do xl-ext mem-reserve --list --json | jq -r '.[].memkb' >>"$seen"; done) &
watcher=$!
at_end kill $watcher
check "xl-ext restores it" sh -c "xl-ext restore $scratch/small >$scratch/out 2>&1"
kill $watcher
equal "" "$(grep -i "reserved\|libxl cannot say" "$scratch/out")" "it says nothing of a reservation that it could not make"
check "what the saved guest says that it needs was reserved" sh -c "awk '\$1 >= $((304 * mib)) { found = 1 } END { exit !found }' $seen"
kill $memd
wait $memd
check "its Linux answers" lab-guest wait --timeout 120 small
before=$(lab-guest exec small cat /run/now)
has_gone_on() {
    [ "$(lab-guest exec small cat /run/now)" -gt "$before" ]
}
check "its program goes on" until_true 60 has_gone_on

# ---- moved, without memd ----

xl mem-set small 304
check "it has all that it may have" until_true 120 holds_at_least $((300 * mib))
target=$(member target_memkb)
cat >"$scratch/ssh" <<'SSH'
#!/bin/bash
shift
tee >(wc -c >>"$0.bytes") | sh -c "$*"
SSH
domid=$(xl domid small)
check "it is migrated small" xl-ext migrate --compact --to 160 -s "$scratch/ssh" small localhost
check "to another domid" test "$(xl domid small)" != "$domid"
sent=$(sort -n "$scratch/ssh.bytes" | tail -n 1)
check "what it needs was sent ($sent bytes, $plain)" test "$sent" -lt $((plain * 2 / 3))
check "its Linux answers there" lab-guest wait --timeout 120 small
grown_back "there"
before=$(lab-guest exec small cat /run/now)
check "its program goes on there" until_true 60 has_gone_on
sed 's/^/# memd: /' "$scratch/memd.log" | tail -20
finish
