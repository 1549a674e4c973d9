# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The part of the set-up that turns Debian's packages into dom0's system drive and boot files.

# Unpacked, not configured: needs neither root nor namespaces. The sources are the machine's own.
setup_tree() {
    local packages
    [ -e "$system/tree" ] && return
    packages=$(dom0_packages | paste -sd,)
    say "$step_label unpacking dom0's packages"
    rm -rf "$system/tree.part"
    mkdir -p "$system/tmp"
    # shellcheck disable=SC2016
    TMPDIR=$system/tmp mmdebstrap --mode=chrootless --variant=extract --include="$packages" \
        --setup-hook='mkdir -p "$1"/usr/bin "$1"/usr/sbin "$1"/usr/lib "$1"/usr/lib64' \
        --setup-hook='ln -s usr/bin usr/sbin usr/lib usr/lib64 "$1"' \
        "$release" "$system/tree.part" - < <(apt_sources "$release") >> "$setup_log" 2>&1 &&
        finish_tree "$system/tree.part" >> "$setup_log" 2>&1 &&
        make_guest_base "$system/tree.part" >> "$setup_log" 2>&1 &&
        mv "$system/tree.part" "$system/tree"
}

# What the packages' own scripts would have done, as far as dom0 needs it.
finish_tree() {
    local tree=$1 applet
    cp "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
    cp "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
    echo dom0 > "$tree/etc/hostname"
    echo "127.0.0.1 localhost dom0" > "$tree/etc/hosts"
    mkdir -p "$tree/var/lib/xen" "$tree/var/log/xen" "$tree/etc/xen" "$tree/usr/local/bin"
    rm -rf "$tree/var/run"
    ln -s /run "$tree/var/run"
    [ -e "$tree/usr/bin/sh" ] || ln -s dash "$tree/usr/bin/sh"
    [ -e "$tree/usr/bin/awk" ] || ln -s gawk "$tree/usr/bin/awk"
    for applet in $("$tree/usr/bin/busybox" --list); do
        [ -e "$tree/usr/bin/$applet" ] || [ -e "$tree/usr/sbin/$applet" ] ||
            ln -s busybox "$tree/usr/bin/$applet"
    done
    PATH=$PATH:/usr/sbin depmod -b "$tree" "$(kernel_of "$tree")"
}

# make_guest_base TREE: the part of the lab guests' initramfs that comes from packages, put into dom0.
make_guest_base() {
    local tree=$1 root=$system/guest.tree kernel path
    kernel=$(kernel_of "$tree")
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,etc,lib} "$tree/usr/lib/xl-ext-lab"
    cp "$tree/usr/bin/busybox" "$root/bin/"
    for path in $(modules_for "$tree" xen-blkfront xen-netfront e1000 8139cp); do
        install -D -m 644 "$path" "$root/lib/modules/$kernel/${path##*/}"
    done
    cp "$tree/usr/lib/modules/$kernel"/modules.{order,builtin} "$root/lib/modules/$kernel/"
    PATH=$PATH:/usr/sbin depmod -b "$root" "$kernel"
    pack_cpio "$root" > "$tree/usr/lib/xl-ext-lab/guest-base.cpio" && rm -rf "$root"
}

# modules_for TREE MODULE...: the files of the modules and what they need, in the order of loading.
modules_for() {
    PATH=$PATH:/usr/sbin modprobe -d "$1" -S "$(kernel_of "$1")" -D -a "${@:2}" |
        awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

kernel_of() {
    (cd "$1/usr/lib/modules" && echo *)
}

# lz4 costs next to nothing to unpack, which counts on an emulated CPU.
setup_drive() {
    [ -e "$system/drive" ] && return
    say "$step_label packing dom0's system drive"
    PATH=$PATH:/usr/sbin mksquashfs "$system/tree" "$system/drive.part" -noappend -no-progress \
        -quiet -all-root -comp lz4 -wildcards -ef <(grep -v '^#' "$lab_dir/image/excludes") \
        >> "$setup_log" 2>&1 &&
        mv "$system/drive.part" "$system/drive"
}

initramfs_modules=(virtio_pci virtio_blk virtio_console squashfs overlay)

setup_boot_files() {
    local tree=$system/tree root=$system/modules.tree kernel path
    say "$step_label extracting the hypervisor, the kernel and its modules"
    kernel=$(kernel_of "$tree")
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,proc,sys,modules}
    cp "$tree/usr/bin/busybox" "$root/bin/"
    for path in $(modules_for "$tree" "${initramfs_modules[@]}" 2>> "$setup_log"); do
        cp "$path" "$root/modules/"
        basename "$path" >> "$root/modules/order"
    done
    pack_cpio "$root" > "$system/modules.cpio" &&
        gunzip -c "$tree"/boot/xen-*-amd64.gz > "$system/xen" &&
        cp "$tree/boot/vmlinuz-$kernel" "$system/vmlinuz" &&
        rm -rf "$root" "$tree" "$system/tmp"
}
