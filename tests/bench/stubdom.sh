#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same guest with its device model in a stub domain and in dom0, in one boot: start, disk, save, restore; and the size of image and memory.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 900
set -eu
. "$(dirname "$0")/../live/stubdom/lib.sh"

scratch=$(mktemp -d)
cleanup() {
    xl destroy bench > /dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap cleanup EXIT
put_image /root/stubdom/image

ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'
}

# wait_for PATTERN: in what the guest has said, looked at closely: the moment counts
wait_for() {
    local end=$((SECONDS + 180))
    until grep -q "$1" "$scratch/serial"; do
        [ $SECONDS -lt $end ] || { echo "the guest never said $1"; exit 1; }
        sleep 0.05
    done
}

# save_and_restore: $save_ms and $restore_ms
save_and_restore() {
    local begin
    begin=$(now_ms)
    xl save bench "$scratch/saved" > /dev/null 2>&1
    save_ms=$(($(now_ms) - begin))
    begin=$(now_ms)
    xl restore -p "$scratch/saved" > /dev/null 2>&1
    restore_ms=$(($(now_ms) - begin))
    rm "$scratch/saved"
}

# one_run SETTING: $start_ms of "xl create -p" and $read_kb_per_s of a disk read by the BIOS; $save_ms and $restore_ms
one_run() {
    local begin domid stub console
    begin=$(now_ms)
    xl create -p "$scratch/bench.cfg" "$1" > /dev/null 2>&1
    start_ms=$(($(now_ms) - begin))
    domid=$(xl domid bench)
    stub=$(xl domid bench-dm 2> /dev/null || true)
    if [ -n "$stub" ]; then
        console=$(xenstore-read "/local/domain/$stub/device/console/3/tty")
    else
        console=$(xenstore-read "/local/domain/$domid/serial/0/tty")
    fi
    : > "$scratch/serial"
    exec 5<> "$console"
    stty raw -echo <&5
    cat <&5 > "$scratch/serial" 2> /dev/null &
    xl unpause bench
    wait_for boot:
    echo read >&5
    wait_for 'Loading large.bin'
    begin=$(now_ms)
    wait_for 'large.bin.*ok'
    read_kb_per_s=$((1024 * 1000 / ($(now_ms) - begin)))
    exec 5>&-
    if [ -n "$stub" ]; then
        until grep -q memory: /var/log/xen/qemu-dm-bench.log; do sleep 1; done
        available_kb=$(sed -n 's/.*memory: \([0-9]*\) KB available.*/\1/p' /var/log/xen/qemu-dm-bench.log)
    fi
    save_and_restore
    xl destroy bench
    echo "$1: created in $start_ms ms, read $read_kb_per_s KB/s, saved in $save_ms ms, restored in $restore_ms ms"
}

guest_cfg bench > "$scratch/bench.cfg"
one_run device_model_stubdomain_override=0
dom0_ms=$start_ms dom0_read=$read_kb_per_s dom0_save=$save_ms dom0_restore=$restore_ms
one_run device_model_stubdomain_override=1

echo "bench stubdom.image_packed_kb $((($(stat -c %s $boot_folder/qemu-stubdom-linux-rootfs) + 1023) / 1024))"
echo "bench stubdom.memory_available_kb $available_kb"
echo "bench stubdom.boot_to_running_ms $start_ms"
echo "bench stubdom.boot_to_running_dom0_ms $dom0_ms"
echo "bench stubdom.boot_to_running_ratio $(ratio "$start_ms" "$dom0_ms")"
echo "bench stubdom.disk_read_kb_per_s $read_kb_per_s"
echo "bench stubdom.disk_read_ratio $(ratio "$read_kb_per_s" "$dom0_read")"
echo "bench stubdom.save_ms $save_ms"
echo "bench stubdom.save_ratio $(ratio "$save_ms" "$dom0_save")"
echo "bench stubdom.restore_ms $restore_ms"
echo "bench stubdom.restore_ratio $(ratio "$restore_ms" "$dom0_restore")"
