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

# fails STATUS PATTERN NAME [SETTING]...
fails() {
    fails_status=$1 fails_pattern=$2 fails_name=$3
    shift 3
    says "$fails_status" "$fails_pattern" "$fails_name" xl-ext stubdom-create "$scratch/bad.cfg" "$@"
    equal "$before" "$(leftovers)" "$fails_name: nothing is left behind"
}

# ---- named before the start ----
mv $boot_folder/qemu-stubdom-linux-rootfs "$scratch/"
fails 4 "image-rootfs-missing.*stubdom-build" "no image"
mv "$scratch/qemu-stubdom-linux-rootfs" $boot_folder/
fails 4 "image-kernel-missing" "an image that the configuration names and is not there" 'stubdomain_kernel="/nowhere"'
mv /usr/lib/xen-4.17/bin/vchan-socket-proxy "$scratch/"
fails 4 "proxy-missing.*xen-utils" "the proxy's program is missing"
mv "$scratch/vchan-socket-proxy" /usr/lib/xen-4.17/bin/
fails 4 "memory-small" "too little memory, by the rule" 'stubdomain_memory=64'
fails 4 "dm-version" "the version of the device model is not set" 'device_model_version="qemu-xen-traditional"'
fails 4 "privcmd-restricted" "privcmd restricted on the command line" 'stubdomain_cmdline="xen-privcmd.unrestricted=0"'

# ---- found out by the start ----
# a QEMU that is given nonsense ends at once: the start ends with it, not after 30 s
started=$(now_ms)
fails 1 "QEMU or the stub domain's init ended before QEMU was ready" "QEMU ends at its start" 'device_model_args_hvm=["-nonsense"]'
took=$(($(now_ms) - started))
ok "it took $took ms"
says 1 "nonsense: invalid option" "QEMU's own words are shown" xl-ext stubdom-create "$scratch/bad.cfg" 'device_model_args_hvm=["-nonsense"]'
says 0 "QEMU ended with exit status 1" "the log outlives the guest" xl-ext stubdom-log --init bad

# a foreign root file system: only a warning, then a panic
head -c 100000 /dev/urandom >"$scratch/noise"
fails 1 "did not start: the stub domain has crashed" "a root file system that is none" "stubdomain_ramdisk=\"$scratch/noise\""
says 1 "Kernel panic" "the kernel's last words are shown" xl-ext stubdom-create "$scratch/bad.cfg" "stubdomain_ramdisk=\"$scratch/noise\""

# the stub domain is destroyed under the start
xl-ext stubdom-create "$scratch/bad.cfg" >"$scratch/out" 2>&1 &
starter=$!
until_true 180 xl domid bad-dm
xl destroy bad-dm
wait $starter
equal 1 $? "a stub domain that is destroyed while it starts: exit status 1"
check "and the reason is named" grep -q "the stub domain was destroyed" "$scratch/out"
equal "$before" "$(leftovers)" "nothing is left behind of it"

# the builder in dom0 itself, where libxl looks (lz4: the packing that an emulated machine does soonest)
says 0 "done: Linux" "stubdom-build makes an image in dom0" xl-ext stubdom-build --compress lz4
equal "$(readlink -f $boot_folder)/qemu-stubdom-linux-rootfs" "$(ls $boot_folder/qemu-stubdom-linux-rootfs)" "where libxl looks for it"
says 0 "nothing stands against" "and stubdom-check is content with it" xl-ext stubdom-check "$scratch/bad.cfg"

# not enough memory on the host
says 1 "the host has .* MiB free" "a guest larger than the host" xl-ext stubdom-create "$scratch/bad.cfg" memory=900000
equal "$before" "$(leftovers)" "nothing is left behind of it either"
finish
