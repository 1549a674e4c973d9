# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# One emulated machine: start it cold or from a snapshot, talk to its dom0, end it.

# eager-fpu: QEMU's emulation loses CR0.TS on the way out of an HVM guest, so that one domain went on with the XMM registers
# of another: dom0's programs died, or computed nonsense, whenever an HVM guest and a second PV domain ran beside it.
xen_options='console=com1 com1=115200,8n1 loglvl=info guest_loglvl=info conring_size=1m bootscrub=0 spec-ctrl=eager-fpu'
drive_bytes=$((16 << 30)) # nominal: the in and out drives are sparse files

# make_run_folder: a folder for this run's files; those of runs that were killed are removed.
make_run_folder() {
    local old
    mkdir -p "$cache_dir/runs" || fail "cannot create $cache_dir/runs"
    for old in "$cache_dir"/runs/*/; do
        [ -e "$old/lock" ] && flock -n "$old/lock" rm -rf "$old"
    done
    run=$(mktemp -d "$cache_dir/runs/XXXXXX") || fail "cannot create a folder below $cache_dir/runs"
    exec {run_lock}> "$run/lock"
    flock "$run_lock"
    trap 'end_machine; rm -rf "$run"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
}

end_machine() {
    [ -n "${machine_pid-}" ] || return
    kill "$machine_pid" 2> /dev/null
    wait "$machine_pid" 2> /dev/null
    machine_pid=
}

# start_machine [QEMU OPTION]...
start_machine() {
    local fifo
    for fifo in port.in port.out monitor.in monitor.out; do
        rm -f "$run/$fifo"
        mkfifo "$run/$fifo"
    done
    rm -f "$run/out"
    truncate -s "$drive_bytes" "$run/in" "$run/out"
    setpriv --pdeathsig KILL qemu-system-x86_64 \
        -accel tcg,thread=multi -machine q35,memory-backend=ram -cpu "$cpu" -m "$mem" -smp "$smp" \
        -nodefaults -no-user-config -display none -no-reboot -name "xl-ext lab" \
        -serial "file:$run/console" \
        -chardev "pipe,id=monitor,path=$run/monitor" -mon chardev=monitor,mode=control \
        -kernel "$system/xen" -append "$xen_options dom0_max_vcpus=$dom0_vcpus dom0_mem=${dom0_mem}M,max:${dom0_mem}M" \
        -initrd "$system/vmlinuz console=hvc0 quiet panic=1,$image/initramfs" \
        -drive "file=$system/drive,format=raw,if=virtio,readonly=on" \
        -drive "file=$run/in,format=raw,if=virtio,readonly=on" \
        -drive "file=$run/out,format=raw,if=virtio,cache=unsafe" \
        -device virtio-serial -chardev "pipe,id=port,path=$run/port" \
        -device virtserialport,chardev=port,name=xl-ext-lab \
        "$@" < /dev/null > "$run/qemu.log" 2>&1 {run_lock}>&- &
    machine_pid=$!
}

# relay [OPTION]... wait|run ARG...: in the background, because only wait lets a trap run at once.
relay() {
    local status
    : > "$run/result"
    "$image/lab-relay" --pid "$machine_pid" --port "$run/port" --result "$run/result" "$@" <&0 &
    relay_pid=$!
    wait "$relay_pid"
    status=$?
    relay_result=$(cat "$run/result")
    return "$status"
}

console_tail() {
    say "$1"
    say "the end of the console's log:"
    tail -n 100 "$run/console" 2> /dev/null | tr -d '\r' >&2
    [ -s "$run/qemu.log" ] && sed 's/^/qemu: /' "$run/qemu.log" >&2
    exit 125
}

# boot_machine [SCRIPT]: returns when dom0 has SCRIPT and all other files; ends the run with 125 when it
# does not come up.
boot_machine() {
    local from_snapshot=
    [ "$use_snapshot" = yes ] && find_snapshot && from_snapshot=yes
    pack_in "${1-}" "${copies[@]}"
    if [ -z "$from_snapshot" ] || ! start_from_snapshot; then
        say "booting Xen"
        start_machine -object "memory-backend-ram,id=ram,size=${mem}M"
        wait_for_boot
        [ -z "$suite" ] || { pack_in "$suite"; prepare_suite; pack_in "${1-}" "${copies[@]}"; }
    fi
    unpack_in
}

prepare_suite() {
    say "preparing the suite: $suite"
    unpack_in
    relay run "$script_dir/$(basename "$suite")" >&2 ||
        console_tail "the script that prepares the suite failed"
}

wait_for_boot() {
    relay --timeout "$boot_timeout" wait && return
    case $relay_result in
    timeout) console_tail "dom0 did not come up within $boot_timeout s" ;;
    *) console_tail "the machine ended while booting" ;;
    esac
}
