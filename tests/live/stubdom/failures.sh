#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every way in which a start fails: the right words, the right exit status, soon, and nothing left behind.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 2400
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
guest_cfg bad >"$scratch/bad.cfg"
at_end xl destroy bad
before="$(leftovers)"

# fails STATUS PATTERN NAME [SETTING]...: what was said is in $said
fails() {
    fails_status=$1 fails_pattern=$2 fails_name=$3
    shift 3
    says "$fails_status" "$fails_pattern" "$fails_name" xl-ext stubdom-create "$scratch/bad.cfg" "$@"
    said=$says_output
    nothing_left "$fails_name: nothing is left behind"
}

# also PATTERN NAME: the start that failed last said this, too
also() {
    check "$2" grep -q -e "$1" <<< "$said"
}

# ---- named before the start ----
mv $boot_folder/qemu-stubdom-linux-rootfs "$scratch/"
fails 4 "image-rootfs-missing.*stubdom-build" "no image"
mv "$scratch/qemu-stubdom-linux-rootfs" $boot_folder/
fails 4 "image-kernel-missing" "an image that the configuration names and is not there" 'stubdomain_kernel="/nowhere"'
proxy=$(echo /usr/lib/xen-4.*/bin/vchan-socket-proxy)
mv "$proxy" "$scratch/"
fails 4 "proxy-missing.*xen-utils" "the proxy's program is missing"
mv "$scratch/vchan-socket-proxy" "$proxy"
mv /usr/libexec/xen-qemu-system-i386 "$scratch/"
fails 4 "dom0-qemu-missing.*qemu-system-xen" "the QEMU in dom0 that serves the consoles is missing"
mv "$scratch/xen-qemu-system-i386" /usr/libexec/
fails 4 "memory-small" "too little memory, by the rule" 'stubdomain_memory=64'
fails 4 "dm-version" "the version of the device model is not set" 'device_model_version="qemu-xen-traditional"'
fails 4 "privcmd-restricted" "privcmd restricted on the command line" 'stubdomain_cmdline="xen-privcmd.unrestricted=0"'

# ---- found out by the start ----
# a QEMU that is given nonsense ends at once: the start ends with it, not after 30 s
started=$(now_ms)
fails 1 "QEMU or the stub domain's init ended before QEMU was ready" "QEMU ends at its start" 'device_model_args_hvm=["-nonsense"]'
took=$(($(now_ms) - started))
ok "it took $took ms"
also "nonsense: invalid option" "QEMU's own words are shown"
says 0 "QEMU ended with exit status 1" "the log outlives the guest" xl-ext stubdom-log --init bad

# a foreign root file system: only a warning, then a panic
head -c 100000 /dev/urandom >"$scratch/noise"
fails 1 "did not start: the stub domain has crashed" "a root file system that is none" "stubdomain_ramdisk=\"$scratch/noise\""
also "image-foreign" "a root file system that is none is warned of"
also "Kernel panic" "the kernel's last words are shown"

# an image that leaves xen-privcmd restricted, as the kernel does of its own accord: a second archive replaces the list of modules
packed_at=$(LC_ALL=C grep -abo $'\xfd7zXZ' $boot_folder/qemu-stubdom-linux-rootfs | tail -n 1 | cut -d: -f1)
mkdir "$scratch/ram"
cp $boot_folder/qemu-stubdom-linux-rootfs "$scratch/restricted"
(
    cd "$scratch/ram" || exit
    tail -c +$((packed_at + 1)) "$scratch/restricted" | xz -dc | cpio --quiet -i modules.list
    sed -i 's/ unrestricted=1//' modules.list
    echo modules.list | cpio --quiet -o -H newc >>"$scratch/restricted"
)
equal 1 "$(grep -c xen-privcmd "$scratch/ram/modules.list")" "an image with xen-privcmd restricted is made"
fails 1 "QEMU or the stub domain's init ended before QEMU was ready" "xen-privcmd is restricted" "stubdomain_ramdisk=\"$scratch/restricted\""
also "xen hardware virtual machine initialisation failed" "xen-privcmd is restricted: QEMU says what it could not do"

# too little memory to build the stub domain in: libxl itself forgets it then ("xl create" leaves it behind)
truncate -s 200M "$scratch/huge"
fails 1 "bad' did not start: " "a root file system larger than the stub domain's memory" "stubdomain_ramdisk=\"$scratch/huge\""

# the same for the kernel; xl does not ask stubdom-check, and leaves the stub domain behind
says 3 "segment kernel too large" "too little memory for the kernel" xl create -p "$scratch/bad.cfg" stubdomain_memory=72
xl destroy bad-dm 2>/dev/null
nothing_left "too little memory for the kernel: nothing is left behind"

# the stub domain is destroyed under the start, when it has begun to speak: before, libxl fails while it builds the domain
rm -f /var/log/xen/qemu-dm-bad.log
xl-ext stubdom-create "$scratch/bad.cfg" >"$scratch/out" 2>&1 &
starter=$!
until_true 180 test -s /var/log/xen/qemu-dm-bad.log
xl destroy bad-dm
wait $starter
equal 1 $? "a stub domain that is destroyed while it starts: exit status 1"
check "and the reason is named" grep -q "the stub domain was destroyed" "$scratch/out"
nothing_left "nothing is left behind of it"

# the builder in dom0 itself, where libxl looks (lz4: the packing that an emulated machine does soonest)
says 0 "done: Linux" "stubdom-build makes an image in dom0" xl-ext stubdom-build --compress lz4
equal "$(readlink -f $boot_folder)/qemu-stubdom-linux-rootfs" "$(ls $boot_folder/qemu-stubdom-linux-rootfs)" "where libxl looks for it"
says 0 "nothing stands against" "and stubdom-check is content with it" xl-ext stubdom-check "$scratch/bad.cfg"

# not enough memory on the host
says 1 "the host has .* MiB free" "a guest larger than the host" xl-ext stubdom-create "$scratch/bad.cfg" memory=900000
nothing_left "nothing is left behind of it either"
finish
