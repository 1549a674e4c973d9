# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The part of the set-up that makes a full system (--system full): Debian's packages configured by dpkg, with systemd. Its
# owners and modes are dpkg's; so it stays an archive, of which the drive is made, and the tree is only for what is taken out.

setup_full_tree() {
    local packages mode=unshare excludes=()
    [ -e "$system/tree" ] && return
    packages=$(dom0_packages | paste -sd,)
    [ "$(id -u)" = 0 ] && mode=root
    say "$step_label installing the packages of a full dom0"
    rm -rf "$system/tree.part" "$system/tree.tar"
    mkdir -p "$system/tmp" "$system/tree.part"
    mapfile -t excludes < <(full_excludes)
    # shellcheck disable=SC2016
    TMPDIR=$system/tmp mmdebstrap --mode="$mode" --variant=apt --include="$packages" "${excludes[@]}" \
        --customize-hook='rm -f "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/resolv.conf "$1"/boot/initrd*' \
        --customize-hook='echo dom0 > "$1"/etc/hostname; echo "127.0.0.1 localhost dom0" > "$1"/etc/hosts' \
        --customize-hook='chroot "$1" systemctl disable apt-daily.timer apt-daily-upgrade.timer' \
        "$release" "$system/tree.tar" - < <(apt_sources "$release") >> "$setup_log" 2>&1 &&
        tar -x --no-same-owner --exclude='./dev/*' -f "$system/tree.tar" -C "$system/tree.part" >> "$setup_log" 2>&1 &&
        make_guest_base "$system/tree.part" >> "$setup_log" 2>&1 &&
        mv "$system/tree.part" "$system/tree"
}

# dpkg leaves out what a plain dom0 is without, but what programs of a configured system may want: perl, python, terminals.
full_excludes() {
    grep -E '^usr/share/(doc|man|info|locale)/|^usr/lib/(debug|efi)|^usr/lib/modules/|^boot/' "$lab_dir/image/excludes" |
        sed -E 's|^usr/lib/modules/|*lib/modules/|; s|([^*])$|\1/*|; s|^|--dpkgopt=path-exclude=/|'
}

setup_full_drive() {
    local made=usr/lib/xl-ext-lab/guest-base.cpio
    [ -e "$system/drive" ] && return
    say "$step_label packing the full dom0's system drive"
    # What was made of the tree is put behind the packages' files.
    tar -r -f "$system/tree.tar" --owner=0 --group=0 -C "$system/tree" "./$made" >> "$setup_log" 2>&1 &&
        PATH=$PATH:/usr/sbin mksquashfs - "$system/drive.part" -tar -noappend -no-progress -quiet -comp lz4 \
            < "$system/tree.tar" >> "$setup_log" 2>&1 &&
        mv "$system/drive.part" "$system/drive" && rm -f "$system/tree.tar"
}
