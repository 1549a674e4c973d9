#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What can go wrong while a guest with its device model in a stub domain is restored or moved: it is still saved whole, or goes on where it was.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 2400
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
counter_cfg count 'serial="none"' >"$scratch/count.cfg"
at_end xl destroy count
before="$(leftovers)"

in_time "the guest starts" xl create "$scratch/count.cfg"
still_counts "it counts"
check "it is saved" xl-ext save count "$scratch/saved"
nothing_left "nothing is left of the saved guest"
sums() {
    sha256sum "$scratch/saved" "$scratch/count.disk"
}
sums="$(sums)"

# ---- a restore that fails ----

stub_domain_is_destroyed() {
    xl destroy "$1-dm"
}
# as one that never says that QEMU runs
stub_domain_is_paused() {
    xl pause "$1-dm"
}
# What libxl notes as its process is at first, with 4.20, a QEMU that is only asked for its options.
console_pid() {
    pgrep -f "xen-qemu-system-i386 -xen-domid $(xl domid "$1-dm") "
}
consoles_qemu_is_killed() {
    until_true 60 console_pid "$1"
    kill -KILL "$(console_pid "$1")"
}
xl_gets_sigint() {
    pkill -INT -P "$restorer" -f "xl restore" || kill -INT "$restorer"
}
both_get_sigint() {
    pkill -INT -P "$restorer" -f "xl restore"
    kill -INT "$restorer"
}

# restore_meanwhile NAME COMMAND TOOL...: COMMAND is carried out when the stub domain is there, and the restore fails
restore_meanwhile() {
    meanwhile=$1 happens=$2
    shift 2
    # what a shell has in the background is deaf to SIGINT
    env --default-signal=INT "$@" restore -p "$scratch/saved" >"$scratch/out" 2>&1 &
    restorer=$!
    check "$1 restore has a stub domain built ($meanwhile)" until_true 120 xl domid count-dm
    $happens count
    wait $restorer
    check "the restore fails ($meanwhile)" test $? -ne 0
    tail -n 4 "$scratch/out" | sed 's/^/# /'
    # xl alone that gets a signal leaves what it has built, with a device model in dom0 as well
    if [ "$1 $happens" = "xl xl_gets_sigint" ]; then
        for left in count count-dm; do
            xl destroy $left 2>/dev/null
        done
    fi
    nothing_left "nothing is left of it ($meanwhile)"
    equal "$sums" "$(sums)" "the guest is still saved whole ($meanwhile)"
}
restore_meanwhile "the stub domain is destroyed" stub_domain_is_destroyed xl
restore_meanwhile "the consoles' QEMU is killed" consoles_qemu_is_killed xl
restore_meanwhile "the stub domain does not come up in 30 s" stub_domain_is_paused xl
check "libxl says that time is up" grep -q "startup timed out" "$scratch/out"
restore_meanwhile "xl gets SIGINT" xl_gets_sigint xl
restore_meanwhile "xl below xl-ext gets SIGINT" xl_gets_sigint xl-ext
restore_meanwhile "xl-ext and xl get SIGINT, as by Ctrl-C" both_get_sigint xl-ext

# dom0's disk is full: of what xl writes there some finds room in the second case
for pages in 0 3; do
    mount -t tmpfs -o size=64k,mode=0755 none /var/lib/xen
    dd if=/dev/zero of=/var/lib/xen/filled bs=4096 count=$((16 - pages)) status=none 2>/dev/null
    check "a restore fails when /var/lib/xen is full (room for $pages pages)" sh -c "! xl restore $scratch/saved >$scratch/out 2>&1"
    check "and libxl says why" grep -q "No space left" "$scratch/out"
    umount /var/lib/xen
    xl destroy count 2>/dev/null
    nothing_left "nothing is left of it (room for $pages pages)"
    equal "$sums" "$(sums)" "the guest is still saved whole (room for $pages pages)"
done

in_time "after all that it is restored" xl restore "$scratch/saved"
still_counts "and goes on"

# ---- a migration that fails: the guest goes on here ----

cat >"$scratch/ssh" <<'SSH'
#!/bin/sh
shift
exec sh -c "$*"
SSH
chmod +x "$scratch/ssh"
domid=$(xl domid count)
# On one host both have the UUID, and with it the node /vm/UUID, which goes with the one that fails.
still_there() {
    leftovers | grep -v '^/vm '
}
running="$(still_there)"
is_as_it_ran() {
    [ "$running" = "$(still_there)" ]
}
sender_gets_sigint() {
    pkill -INT -P "$mover" -f "xl migrate"
}
sender_is_killed() {
    pkill -KILL -P "$mover" -f "xl migrate"
}

# move_meanwhile NAME COMMAND: COMMAND is carried out when the receiver's stub domain is there, and the guest stays
move_meanwhile() {
    env --default-signal=INT xl-ext migrate -s "$scratch/ssh" count localhost >"$scratch/out" 2>&1 &
    mover=$!
    check "the receiver has a stub domain built ($1)" until_true 300 xl domid count--incoming-dm
    $2 count--incoming
    wait $mover
    check "the migration fails ($1)" test $? -ne 0
    tail -n 6 "$scratch/out" | sed 's/^/# /'
    equal "$domid" "$(xl domid count)" "the guest stays where it was ($1)"
    still_counts "and goes on ($1)"
    grep -a "xl-ext-stubdom.*sav" /var/log/xen/qemu-dm-count.log | tail -n 3 | sed 's/^/# /'
    until_true 60 is_as_it_ran
    equal "$running" "$(still_there)" "nothing is left of the other ($1)"
}
move_meanwhile "the receiver's stub domain is destroyed" stub_domain_is_destroyed
move_meanwhile "the receiver's consoles' QEMU is killed" consoles_qemu_is_killed
move_meanwhile "the receiver's stub domain does not come up in 30 s" stub_domain_is_paused
move_meanwhile "the sender gets SIGINT" sender_gets_sigint
check "xl-ext has woken it" grep -q "it goes on where it was" "$scratch/out"
move_meanwhile "the sender is killed" sender_is_killed
xl destroy count
nothing_left "nothing is left behind"
finish
