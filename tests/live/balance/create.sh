#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# create: a start on a full host, from memory that others have to give first.
# timeout: 300
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock
check "a guest is made, for its configuration" lab-guest create pv fresh 160 160
cfg=/run/lab-guest/fresh.cfg
[ -r "$cfg" ] || cfg=$(find /run -name fresh.cfg | head -1)
cp "$cfg" "$scratch/fresh.cfg"
lab-guest destroy fresh
echo 'dynamic_memory_min = 128' >>"$scratch/fresh.cfg"
echo 'memory_weight = 300' >>"$scratch/fresh.cfg"

# Two puppets take what is free but 250 MiB.
each=$((($(xl info free_memory) - 250) / 2))
at_end lab-puppet stop full
check "puppets that fill the host" lab-puppet start full $each $each rate=65536 --count 2
for p in full-1 full-2; do
    check "$p is balanced" xl-ext mem-range $p $((each / 2)) $each
    lab-puppet stats $p total-memory=$((each * mib * mib)) available-memory=$((each * mib * mib * 3 / 4))
done
at_end xl destroy fresh
check "xl-ext create makes room and starts it" xl-ext create -t 60 "$scratch/fresh.cfg"
domid=$(xl domid fresh)
equal "$((128 * mib))" "$(xenstore-read /local/domain/$domid/memory/dynamic-min)" "its range comes from the configuration"
says 0 "weight 300" "and its weight" xl-ext mem-why fresh
equal 0 "$(xl-ext mem-reserve --list --json | json length)" "nothing stays reserved"
[ "$(xl info free_memory)" -ge 100 ] && ok "and the host keeps its reserve" || not_ok "and the host keeps its reserve" "$(xl info free_memory) MiB"

xl-ext mem-top --once | sed 's/^/# /'

kill $memd
wait $memd
xl destroy fresh
says 0 "memd does not run" "without memd it says so and goes on like plain xl" xl-ext create "$scratch/fresh.cfg"
check "the domain is there" xl domid fresh
xl destroy fresh

# A start that is interrupted: its network card's script takes long.
cat >"$scratch/slow" <<SCRIPT
#!/bin/sh
[ "\$1" != online ] || { touch $scratch/online; sleep 60; }
SCRIPT
chmod +x "$scratch/slow"
interrupted() {
    rm -f "$scratch/online"
    # what a shell has in the background is deaf to SIGINT
    env --default-signal=INT "$@" create "$scratch/fresh.cfg" "vif=[\"script=$scratch/slow\"]" >"$scratch/out" 2>&1 &
    starter=$!
    check "$1 create is in the middle" until_true 60 test -e "$scratch/online"
    pkill -INT -P $starter -f "xl create" || kill -INT $starter
    wait $starter
    check "it fails" test $? -ne 0
}
nobody() {
    [ "$(xl list | wc -l)" = "$running" ]
}
running=$(xl list | wc -l)
interrupted xl
check "and leaves an unfinished domain behind" xl domid fresh
xl destroy fresh
check "which goes" until_true 30 nobody
interrupted xl-ext
sed 's/^/# /' "$scratch/out"
check "and leaves nothing" until_true 30 nobody
check "the next start has its name" xl-ext create "$scratch/fresh.cfg"
sed 's/^/# memd: /' "$scratch/memd.log" | tail -20
finish
