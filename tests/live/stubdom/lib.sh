# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Helpers for the live tests of stub domains, sourced in dom0.

# guest_initramfs FILE: a small Linux that says what it does on its serial port. Its kernel command line takes:
#   ip.MAC=ADDRESS/BITS (MAC without colons)   give the card with this MAC an address
#   unplug=never|all                           keep or drop emulated devices (xen_emul_unplug does the work)
guest_initramfs() {
    tree=$(mktemp -d)
    kernel=$(uname -r)
    mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/m"
    cp "$(command -v busybox)" "$tree/bin/busybox"
    for module in e1000 8139cp xen-netfront xen-blkfront; do
        modprobe -S "$kernel" -D "$module" | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++' >"$tree/order.full"
    while read -r path; do
        cp "$path" "$tree/m/"
        basename "$path"
    done <"$tree/order.full" >"$tree/order"
    rm "$tree/order.full"
    cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/ttyS0 >/dev/ttyS0 2>&1
while read -r module; do insmod "/m/$module"; done </order
for word in $(cat /proc/cmdline); do
    case $word in
    ip.*)
        mac=${word#ip.} address=${mac#*=} mac=${mac%%=*}
        for card in /sys/class/net/*; do
            if [ "$(tr -d : <"$card/address")" = "$mac" ]; then
                ip address add "$address" dev "${card##*/}"
                ip link set "${card##*/}" up
                echo "guest: ${card##*/} has $address, driver $(basename "$(readlink "$card/device/driver")")"
            fi
        done
        ;;
    esac
done
echo "guest: up"
while read -r line; do echo "guest: heard $line"; done
INIT
    chmod 755 "$tree/init"
    (cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$1"
    rm -rf "$tree"
}

# guest_disk DISK INITRAMFS COMMAND-LINE: put kernel and initramfs on a disk of make-disk's.
guest_disk() {
    modprobe -a vfat nls_cp437 nls_iso8859-1 nls_ascii nls_utf8 2>/dev/null
    mkdir -p /mnt/guest
    mount -o loop -t vfat "$1" /mnt/guest || return
    cp "/boot/vmlinuz-$(uname -r)" /mnt/guest/vmlinuz
    cp "$2" /mnt/guest/initrd
    printf 'DEFAULT linux\nPROMPT 0\nLABEL linux\n KERNEL vmlinuz\n INITRD initrd\n APPEND console=ttyS0 %s\n' "$3" \
        >/mnt/guest/syslinux.cfg
    umount /mnt/guest
}
