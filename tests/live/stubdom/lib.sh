# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Helpers for the live tests of stub domains, sourced in dom0 after live.sh.

boot_folder=$(echo /usr/lib/xen-4.*/boot)

# put_image FOLDER: make this the image that libxl takes
put_image() {
    cp "$1"/qemu-stubdom-linux-* $boot_folder/
}

# QEMU from 8.2 on leaves consoles unconnected: docs/xen-versions.md
is_recent_qemu() {
    /usr/libexec/xen-qemu-system-i386 --version | sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | {
        read -r qemu_major qemu_minor && [ $((qemu_major * 100 + qemu_minor)) -ge 802 ]
    }
}

# The kernel's command line in a configuration for plain xl, as docs/xen-versions.md says.
stub_cmdline="console=hvc0 quiet"
! is_recent_qemu || stub_cmdline="$stub_cmdline initcall_blacklist=boot_wait_for_devices"

# guest_cfg NAME [LINE]...: a configuration on standard output: two network cards, a serial port, a disk of its own, and no
# VGA: each byte that a BIOS moves to scroll its text is two requests to QEMU, so a scrolled line takes seconds in an emulated machine
guest_cfg() {
    cfg_name=$1
    shift
    cp /root/stubdom/disk "$scratch/$cfg_name.disk"
    cat <<CFG
type="hvm"
name="$cfg_name"
memory=64
vcpus=1
disk=["format=raw,vdev=hda,access=rw,target=$scratch/$cfg_name.disk"]
vif=["mac=00:16:3e:00:01:01,bridge=xenbr0,model=e1000","mac=00:16:3e:00:01:02,bridge=xenbr0,model=rtl8139"]
serial="pty"
vga="none"
vnc=0
device_model_version="qemu-xen"
device_model_stubdomain_override=1
CFG
    ! is_recent_qemu || echo "stubdomain_cmdline=\"$stub_cmdline\""
    for cfg_line; do echo "$cfg_line"; done
}

# put_linux_image: an image that holds what the lab's Linux guest is booted from: QEMU in the stub domain reads it there
linux_kernel=$(echo /boot/vmlinuz-*) linux_initramfs=/root/linux-initramfs
put_linux_image() {
    cat /usr/lib/xl-ext-lab/guest-base.cpio /usr/local/lib/xl-ext-lab/guest.cpio >$linux_initramfs
    # lz4: the lab's processor is slow
    xl-ext stubdom-build -o $boot_folder --compress lz4 --include "$linux_kernel" --include $linux_initramfs
}

# linux_cfg NAME [LINE]...: that guest (lab-guest exec reaches it), with a disk of its own, xvda. Its Linux keeps the emulated network cards.
# Without pci=noearly it would look for an AGP bridge at 65,536 places on a processor like the lab's (AMD, family 15), each a request to QEMU.
# With xen_legacy_crash Xen tells a panic (crash) from a triple fault (reboot).
linux_cfg() {
    linux_name=$1
    shift
    guest_cfg "$linux_name"
    truncate -s 0 "$scratch/$linux_name.disk"
    truncate -s 16M "$scratch/$linux_name.disk"
    cat <<CFG
memory=160
kernel="$linux_kernel"
ramdisk="$linux_initramfs"
extra="console=ttyS0 quiet panic=1 xen_emul_unplug=ide-disks pci=noearly xen_legacy_crash"
stubdomain_memory=192
stubdomain_cmdline="$stub_cmdline"
CFG
    for linux_line; do echo "$linux_line"; done
}

# keep_from_dom0: dom0 runs on CPU 0 from now on, every other domain on CPU 1, from its beginning. Each access of a guest to its device model
# wakes the stub domain and is waited for. In the lab that takes 4 ms and more where the two are on different CPUs, because each is a thread of
# the host's: Linux' e1000 driver, which needs a thousand of them to suspend, took 13 to 27 s beside two other labs, and 4 s on one CPU.
# libxl waits 60 s. And a guest that shares a CPU with a busy dom0 is one that the emulated processor breaks (lab/README.md).
keep_from_dom0() {
    xl vcpu-pin Domain-0 all 0
    xenstore-watch @introduceDomain | while read -r _; do
        xl list | awk 'NR > 2 { print $2 }' | while read -r keep_domid; do
            xl vcpu-pin "$keep_domid" all 1 </dev/null 2>/dev/null
        done
    done &
    at_end kill $!
    at_end pkill -f "^xenstore-watch @introduceDomain"
}

# open_serial NAME FILE: the serial port of a guest as "xl console" shows it: what it says goes to FILE, what is written to
# &5 is typed
open_serial() {
    rm -f "$scratch/$1.keys"
    mkfifo "$scratch/$1.keys"
    exec 5<>"$scratch/$1.keys"
    # xenconsole reads its input from a terminal only
    script -qfc "xl console $1" "$2" <&5 >/dev/null 2>&1 &
    at_end kill $!
}

now_ms() {
    date +%s%3N
}

# What a start must not leave behind: domains, programs, sockets, nodes; a line each.
leftovers() {
    xl list | awk 'NR > 1 { print "domain", $1 }'
    ps -eo args= | grep -E '^[^ ]*(vchan-socket-proxy|qemu-system|xl create|xl-ext .*stubdom-monitor)' | sed 's/^/process /'
    # domid-history is libxl's memory of domids that were used lately
    find /var/run/xen -mindepth 1 -maxdepth 1 -not -name 'domid-history*' -printf 'run %f\n' | sort
    # Empty folders are left by QEMU from 8.2 on: it writes a last state of what libxl has removed, and removes that.
    for folder in /local/domain/0/device-model $(is_recent_qemu || echo /local/domain/0/backend) /libxl /vm; do
        xenstore-list "$folder" 2>/dev/null | sed "s|^|$folder |"
    done
    xenstore-ls -f /local/domain/0/backend 2>/dev/null | sed -n 's/^\(.*\) = "..*"$/node \1/p'
}

is_as_before() {
    [ "$before" = "$(leftovers)" ]
}

# nothing_left NAME: all is as when "before" was noted; a domain may go on dying, without a name, until the last of its pages is let go
nothing_left() {
    until_true 30 is_as_before
    equal "$before" "$(leftovers)" "$1"
}

# says_nothing NAME COMMAND...: it succeeds without a word (xl unpause exits with 0 when QEMU cannot be reached, and only complains)
says_nothing() {
    check_name=$1
    shift
    if check_output=$("$@" 2>&1) && [ -z "$check_output" ]; then
        ok "$check_name"
    else
        not_ok "$check_name" "$check_output"
    fi
}

# what the stub domain that was started last has said
dm_log() {
    grep -l xl-ext-stubdom /var/log/xen/qemu-dm-*.log | xargs -r ls -t | head -n 1
}

# said_last: the ends of its log, of the log of the QEMU in dom0 that serves its consoles, and the consoles' states
said_last() {
    said_log=$(dm_log)
    [ -z "$said_log" ] || tail -n 12 "$said_log"
    find /var/log/xen -name 'qemu-dm-*-dm*.log' -printf '%T@ %p\n' | sort -n | sed -n '$ s/^[^ ]* //p' | xargs -r tail -n 12
    xenstore-ls -f /local/domain/0/backend/console 2>/dev/null | grep -E '/(state|hotplug-status) ='
}

# too_slow OUTPUT: of an xl that ended because libxl's 30 s were over, while the stub domain had not given up. With a recent QEMU one that has
# not said a word hangs: that is a failure, however fast the machine is.
too_slow() {
    if is_recent_qemu && [ -z "$(dm_log)" ]; then
        return 1
    fi
    printf "%s\n" "$1" | grep -q "startup timed out" && ! grep -a -q "xl-ext-stubdom.*powering off" "$(dm_log)"
}

# patiently COMMAND...: libxl gives a stub domain 30 s to start, which an emulated machine with much beside it may not keep; whatever the
# command says, it is tried again then, at most twice
patiently() {
    for patiently_try in 1 2 3; do
        patiently_output=$("$@" 2>&1)
        patiently_status=$?
        [ $patiently_status -eq 0 ] && break
        too_slow "$patiently_output" || break
        echo "# try $patiently_try of $1 $2: the stub domain did not start within libxl's 30 s"
    done
    [ -z "$patiently_output" ] || echo "$patiently_output"
    return $patiently_status
}

# in_time NAME COMMAND...: COMMAND, which starts a stub domain, succeeds. Where the machine is too slow for libxl's 30 s nothing more can be
# said here: the script ends, and says what it has left out.
in_time() {
    in_time_name=$1
    shift
    if in_time_output=$(patiently "$@" 2>&1); then
        ok "$in_time_name"
    elif too_slow "$in_time_output"; then
        said_last | sed 's/^/# /'
        skip "$in_time_name" "no stub domain starts within libxl's 30 s on this machine"
        finish
    else
        not_ok "$in_time_name" "$*" "$in_time_output" "$(said_last)"
    fi
}

# ---- a guest that counts (counter.S): on its serial port, and on its disk ----

# counter_cfg NAME [LINE]...: its configuration on standard output, as guest_cfg makes it, without network cards
counter_cfg() {
    guest_cfg "$@" 'vif=[]' "stubdomain_cmdline=\"$stub_cmdline\""
    cp /root/stubdom/counter "$scratch/$1.disk"
}

# hear_counter NAME: from now on what it says goes to $scratch/NAME.heard, from an empty file on
hear_counter() {
    [ -z "$counter_ear" ] || kill "$counter_ear" 2>/dev/null
    heard=$scratch/$1.heard
    : >"$heard"
    counter_tty=$(xenstore-read "/local/domain/$(xl domid "$1-dm")/device/console/3/tty")
    stty raw -echo <"$counter_tty"
    cat "$counter_tty" >"$heard" 2>/dev/null &
    counter_ear=$!
    at_end kill $!
}
counter_ear=

# last_number: the last number that was heard whole, decimal; first_number: the first one. What the guest wrote and read are alike.
last_number() {
    printf '%d' "0x$(grep -a -o '=[0-9A-F]\{8\}' "$heard" | tail -n 1 | tr -d =)"
}
first_number() {
    printf '%d' "0x$(grep -a -o '=[0-9A-F]\{8\}' "$heard" | head -n 1 | tr -d =)"
}

# number_on_disk NAME
number_on_disk() {
    printf '%d' "0x$(od -An -j 1048576 -N 4 -t x4 "$scratch/$1.disk" | tr -d ' ')"
}

# still_counts NAME: the number on the disk of the guest "count" grows; $counted is the one of before
has_counted() {
    [ "$(number_on_disk count)" -gt "$counted" ]
}
still_counts() {
    counted=$(number_on_disk count)
    if until_true 120 has_counted; then
        ok "$1"
    else
        not_ok "$1" "the number on the disk stays $counted" "$(said_last)"
    fi
}

has_heard() {
    [ "$(grep -a -c '=[0-9A-F]\{8\}' "$heard")" -ge "$1" ]
}

# counts NAME: it says three numbers, one after the other, and nothing that its disk has got wrong
counts() {
    check "$1 counts" until_true 120 has_heard 3
    equal "" "$(grep -a -o '[!X]' "$heard" | head -n 1)" "$1 reads from its disk what it has written"
    equal 1 "$(grep -a -o '=[0-9A-F]\{8\}' "$heard" | tr -d = | {
        read -r before && while read -r now; do
            [ $((0x$now)) -eq $((0x$before + 1)) ] || echo "from $before to $now"
            before=$now
        done
        echo 1
    })" "$1 leaves no number out"
}

# monitor_says NAME LINE: what the monitor of a guest's QEMU answers
monitor_says() {
    xl-ext qmp --device-model "$1" human-monitor-command "{\"command-line\": \"$2\"}" | json .
}

# screen NAME: what stands on a guest's VGA screen, as its QEMU has it: the text (25 lines of 80 columns), and a sum of the first 32 KiB of
# the card's memory, where text, colours and the font are
screen() {
    screen_at=$(monitor_says "$1" 'info pci' | sed -n '/VGA/,$ s/.*BAR0.*memory at \(0x[0-9a-f]*\).*/\1/p' | head -n 1)
    for screen_part in 0 1 2 3; do
        monitor_says "$1" "xp /2048xw $((screen_at + screen_part * 8192))"
    done | python3 -c '
import re, sys, zlib
memory = b"".join(int(w, 16).to_bytes(4, "little") for w in re.findall("0x([0-9a-f]{8})", sys.stdin.read()))
for row in range(25):
    print(bytes(c if 32 <= c < 127 else 46 for c in memory[320 * row:320 * (row + 1):4]).decode().rstrip(" ."))
print(len(memory), "bytes, sum %08x" % zlib.crc32(memory))'
}
