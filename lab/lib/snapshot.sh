# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Snapshots: dom0 just after boot, one for each kind of machine; with --suite also after a script that
# prepares what a suite of tests needs (PV guests, say).
#
# The machine that makes one has its memory in a shared file; QEMU's migration stream then holds the
# devices only (capability x-ignore-shared). A machine that starts from it maps the file privately, so
# that any number run side by side, start without reading 400 MB, and share the host's page cache.

snapshots_kept=16

snapshot_folder() {
    echo "$cache_dir/snapshot-$({
        echo "${image##*/} $cpu $mem $dom0_mem $smp${dom0_vcpus#1}"
        [ -z "$suite" ] || cat "$suite" "$project_dir"/build/lab/{lab-guest,lab-puppet,guest.cpio}
    } 2> /dev/null | key_of)"
}

# find_snapshot: sets $snapshot, making it first if needed; it stays locked for this run. False when
# there is none and none can be made.
find_snapshot() {
    snapshot=$(snapshot_folder)
    mkdir -p "$snapshot" || return
    exec {snapshot_lock}> "$snapshot/lock"
    flock -s "$snapshot_lock"
    if [ ! -e "$snapshot/ready" ]; then
        flock -n "$snapshot_lock" || {
            say "another run is making the snapshot, waiting for it"
            flock "$snapshot_lock"
        }
        [ -e "$snapshot/ready" ] || make_snapshot
        flock -s "$snapshot_lock"
    fi
    [ -e "$snapshot/ready" ] || return
    touch "$snapshot" "$snapshot/ready"
}

# start_from_snapshot: false when it does not start.
start_from_snapshot() {
    start_machine {snapshot_lock}>&- \
        -object "memory-backend-file,id=ram,size=${mem}M,mem-path=$snapshot/ram,share=off" \
        -incoming defer
    open_monitor &&
        command_monitor '"migrate-incoming", "arguments": {"uri": "exec:cat '"'$snapshot/state'"'"}' &&
        relay --timeout 120 wait
    local status=$?
    close_monitor
    [ "$status" = 0 ] && return
    say "the snapshot does not start"
    tail -n 5 "$run/qemu.log" >&2
    end_machine
    rm -f "$snapshot/ready"
    return 1
}

make_snapshot() {
    local status=1
    drop_old_snapshots
    say "booting Xen, to be kept as a snapshot"
    [ -z "$suite" ] || pack_in "$suite"
    rm -f "$snapshot/ram" "$snapshot/state"
    start_machine \
        -object "memory-backend-file,id=ram,size=${mem}M,mem-path=$snapshot/ram,share=on"
    wait_for_boot
    [ -z "$suite" ] || prepare_suite
    open_monitor &&
        command_monitor '"migrate", "arguments": {"uri": "exec:cat > '"'$snapshot/state.part'"'"}' &&
        wait_for_migration &&
        mv "$snapshot/state.part" "$snapshot/state" &&
        touch "$snapshot/ready" &&
        status=0
    close_monitor
    end_machine
    [ "$status" = 0 ] || say "the snapshot could not be saved"
    return "$status"
}

# The machines that run from a snapshot hold its lock; those stay.
drop_old_snapshots() {
    local old
    find "$cache_dir" -maxdepth 1 -name 'snapshot-*' -printf '%T@ %p\n' | sort -rn |
        tail -n +"$snapshots_kept" | cut -d' ' -f2- | while read -r old; do
        flock -n "$old/lock" rm -rf "$old"
    done
}

# The monitor (QMP) on its pair of pipes.
open_monitor() {
    local greeting
    exec {monitor_in}<> "$run/monitor.in" {monitor_out}<> "$run/monitor.out"
    read -r -t 60 -u "$monitor_out" greeting && [[ $greeting == *QMP* ]] &&
        command_monitor '"qmp_capabilities"' &&
        command_monitor '"migrate-set-capabilities", "arguments": {"capabilities": [
            {"capability": "x-ignore-shared", "state": true}, {"capability": "events", "state": true}]}'
}

close_monitor() {
    exec {monitor_in}>&- {monitor_out}>&-
}

# command_monitor COMMAND: COMMAND is what follows "execute":. False on an error.
command_monitor() {
    local reply
    printf '{"execute": %s}\n' "$1" >&"$monitor_in"
    while read -r -t 60 -u "$monitor_out" reply; do
        case $reply in
        *'"return"'*) return 0 ;;
        *'"error"'*)
            say "QEMU: $reply"
            return 1
            ;;
        esac
    done
    return 1
}

wait_for_migration() {
    local event
    while read -r -t 120 -u "$monitor_out" event; do
        case $event in
        *'"completed"'*) return 0 ;;
        *'"failed"'*) return 1 ;;
        esac
    done
    return 1
}
