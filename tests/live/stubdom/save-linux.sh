#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Linux guest with its device model in a stub domain is saved and restored again and again, and moved: both emulated network cards answer, a
# disk is written and checked all along, a program goes on; then the same with a PV network card.
# lab: --copy build/stubdom/live:/root/stubdom
# environment: ROUNDS
# timeout: 3600
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

check "an image is built that has the guest's kernel" put_linux_image
at_end xl destroy linux
keep_from_dom0
before="$(leftovers)"

# ---- a guest, and what goes on in it ----

# answers NAME SECONDS: its Linux does. One that does not has panicked, or the emulated processor has broken it (lab/README.md): it is
# kept, and what is known of its end is shown.
answers() {
    if answers_output=$(lab-guest wait --timeout "$2" linux 2>&1); then
        ok "$1"
        return
    fi
    not_ok "$1" "$answers_output" "$(xl list)" "$(said_last)" "$(tail -n 4 /var/log/xen/xl-linux.log)" \
        "$(xl dmesg | grep -E 'd[0-9]+v0|[Tt]riple' | tail -n 12)" \
        "$("${boot_folder%/boot}/bin/xenctx" "$(xl domid linux)" 0 2>&1 | head -n 20)"
    finish
}

# shellcheck disable=SC2120
# begin [LINE]...
begin() {
    linux_cfg linux "$@" 'on_crash="preserve"' 'on_reboot="preserve"' >"$scratch/linux.cfg"
    in_time "the guest starts" xl create "$scratch/linux.cfg"
    answers "its Linux answers" 600
    [ "$failures" = 0 ] || finish
    cards=
    counted=0
}

# nic DRIVER MAC ADDRESS: the guest's network card of that driver gets that address; each is in a network of its own
nic() {
    cards="$cards $1=$3"
    ip address add "${3%.*}.1/24" dev xenbr0 2>/dev/null
    check "the guest has a network card by the driver $1" lab-guest exec linux "
        for n in /sys/class/net/*; do
            [ \"\$(cat \$n/address)\" = $2 ] && [ \"\$(basename \$(readlink \$n/device/driver))\" = $1 ] || continue
            echo 1 > /proc/sys/net/ipv4/conf/\${n##*/}/arp_ignore
            ip address add $3/24 dev \${n##*/} && ip link set \${n##*/} up && exit 0
        done
        exit 1"
}

# A program that counts, writes each number to the disk, and reads it from there: from the disk, not from memory.
begin_to_count() {
    check "a program begins to count on its disk" lab-guest exec linux "
    cat > /run/count.sh <<'PROGRAM'
i=0
while :; do
    i=\$((i + 1))
    printf '%08d' \$i | dd of=/dev/xvda bs=8 seek=131072 conv=notrunc,fsync 2>/dev/null
    echo 1 > /proc/sys/vm/drop_caches
    read=\$(dd if=/dev/xvda bs=8 skip=131072 count=1 2>/dev/null)
    [ \"\$read\" = \$(printf '%08d' \$i) ] || echo \"wrote \$i, read \$read\" >> /run/wrong
    echo \$i > /run/number.new
    mv /run/number.new /run/number
done
PROGRAM
    setsid sh /run/count.sh > /dev/null 2>&1 < /dev/null &"
}

number() {
    lab-guest exec linux cat /run/number
}
has_counted_on() {
    [ "$(number)" -gt "$1" ]
}

# e1000_registers: those of the first e1000 that a read does not change: status (2: the link is up), interrupts pending and wanted, control
# of receiving and sending, and where card (H) and driver (T) stand in their rings
e1000_registers() {
    registers_at=$(monitor_says linux 'info pci' | sed -n '/8086:100e/,$ s/.*BAR0.*memory at \(0x[0-9a-f]*\).*/\1/p' | head -n 1)
    for register in STATUS=0x8 ICS=0xc8 IMS=0xd0 RCTL=0x100 TCTL=0x400 RDH=0x2810 RDT=0x2818 TDH=0x3810 TDT=0x3818; do
        echo "${register%=*}: $(monitor_says linux "xp /1xw $((registers_at + ${register#*=}))")"
    done
}

# silent_card DRIVER ADDRESS: what the guest, its QEMU, Xen and dom0 know of a network card that does not answer. First of all whether it
# is alone: its Linux needs timers to find its link, the other card does not.
silent_card() {
    for silent_each in $cards; do
        ping -c 3 -W 5 -q "${silent_each#*=}"
    done
    silent_ms=$(now_ms)
    lab-guest exec linux 'cat /proc/uptime; sleep 2; cat /proc/uptime'
    echo "two seconds took $(($(now_ms) - silent_ms)) ms"
    lab-guest exec linux 'grep -v ": *0 *[A-Z]" /proc/interrupts; sleep 5; grep -E "eth|LOC|timer|hvm:" /proc/interrupts
        grep "" /sys/class/net/*/carrier; dmesg | tail -n 25; ip -s address; ip neighbour'
    monitor_says linux 'info network'
    monitor_says linux 'info pci' | grep -A4 Ethernet
    e1000_registers
    for silent_key in e I t a q; do xl debug-keys $silent_key; done
    xl dmesg | tail -n 200
    e1000_registers
    xl vcpu-list
    ip -s link
    bridge fdb show br xenbr0
    ip neighbour
    # What answers after this was the guest's own or its interrupt; what does not is the way to it.
    lab-guest exec linux "for n in /sys/class/net/*; do
            [ \"\$(basename \$(readlink \$n/device/driver))\" = $1 ] || continue
            ip link set \${n##*/} down && ip link set \${n##*/} up
        done"
    if until_true 60 ping -c1 -W2 "$2"; then echo "set down and up it answers"; else echo "set down and up it does not answer, either"; fi
}

# all_goes_on NAME: network cards, disk and program do
all_goes_on() {
    for card in $cards; do
        if until_true 120 ping -c1 -W2 "${card#*=}"; then
            ok "its network card (${card%=*}) answers ($1)"
        else
            not_ok "its network card (${card%=*}) answers ($1)" "$(silent_card "${card%=*}" "${card#*=}")"
        fi
    done
    check "its program counts on from $counted ($1)" until_true 120 has_counted_on "$counted"
    equal "" "$(lab-guest exec linux 'cat /run/wrong 2>/dev/null')" "its disk has always had what was written ($1)"
    counted=$(number)
}

# save_and_restore ROUND
save_and_restore() {
    started=$(now_ms)
    check "it is saved ($1)" xl save linux "$scratch/saved"
    save_ms=$(($(now_ms) - started))
    nothing_left "nothing is left of it ($1)"
    started=$(now_ms)
    in_time "it is restored ($1)" xl restore "$scratch/saved"
    ok "save $save_ms ms, restore $(($(now_ms) - started)) ms"
    answers "its Linux answers ($1)" 300
    all_goes_on "$1"
}

# ---- emulated network cards ----

begin
nic e1000 00:16:3e:00:01:01 10.0.81.2
nic 8139cp 00:16:3e:00:01:02 10.0.82.2
begin_to_count
all_goes_on started
for round in $(seq "${ROUNDS:-10}"); do save_and_restore "$round"; done

# ---- it suspends after libxl has given it up ----

# It is paused when it has agreed: its network cards take it seconds to suspend. The node's events are that of the watch itself, "suspend" and "".
xenstore-watch -n 3 "/local/domain/$(xl domid linux)/control/shutdown" >/dev/null &
agreed=$!
xl-ext save linux "$scratch/late" >"$scratch/late.log" 2>&1 &
late=$!
wait $agreed
check "it is stopped on its way" xl pause linux
check "xl-ext waits for it when libxl does no longer" until_true 180 grep -q "waiting for it" "$scratch/late.log"
xl unpause linux
wait $late
equal 1 $? "it is not saved"
check "and woken when it has suspended after all" grep -q "it goes on where it was" "$scratch/late.log"
sed 's/^/# /' "$scratch/late.log"
answers "its Linux answers (late)" 300
all_goes_on late

# ---- saved small ----

target=$(target_of "$(xl domid linux)")
size=$(stat -c %s "$scratch/saved")
check "it is saved small" xl-ext save --compact --to 120 linux "$scratch/small"
small=$(stat -c %s "$scratch/small")
check "the file is smaller ($small, $size)" test $((small + 16777216)) -lt "$size"
nothing_left "nothing is left of it (small)"
in_time "it is restored by xl" xl restore "$scratch/small"
equal "$target" "$(target_of "$(xl domid linux)")" "it has the target of before"
has_grown_back() {
    [ "$(actual_of linux)" -gt $((target - 4096)) ]
}
check "and grows back to it" until_true 120 has_grown_back
all_goes_on small

# ---- moved ----

cat >"$scratch/ssh" <<'SSH'
#!/bin/sh
shift
exec "$@"
SSH
chmod +x "$scratch/ssh"
in_time "it is moved" xl migrate -s "$scratch/ssh" linux localhost
answers "its Linux answers (moved)" 300
all_goes_on moved
xl destroy linux
nothing_left "nothing is left of it (moved)"

# ---- a PV network card: Linux has the emulated one unplugged, at each restore again ----

begin 'vif=["mac=00:16:3e:00:01:03,bridge=xenbr0,model=e1000"]' 'extra="console=ttyS0 quiet panic=1 xen_legacy_crash"'
nic vif 00:16:3e:00:01:03 10.0.83.2
begin_to_count
all_goes_on started
for round in "PV 1" "PV 2"; do save_and_restore "$round"; done
xl destroy linux
nothing_left "nothing is left of it (PV)"
finish
