# SPDX-License-Identifier: LGPL-2.1-or-later
# For the live tests of a real libvirt beside memd; sourced. PV guests: the CPU that libvirt knows has no support for others here.
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
hooks=/usr/local/share/xl-ext/hooks
[ -d "$hooks" ] || hooks=/usr/share/xl-ext/hooks
export VIRSH_DEFAULT_CONNECT_URI=xen:///system
mkdir -p /etc/libvirt /var/lib/libvirt /var/log/libvirt
# It wants a user of its own, and has nothing to do here.
rm -f /usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so
printf 'unix_sock_group = "root"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\n' >"$scratch/libvirtd.conf"

start_libvirtd() {
    libvirtd -f "$scratch/libvirtd.conf" >>"$scratch/libvirtd.log" 2>&1 &
    libvirtd=$!
    at_end kill $libvirtd
    check "libvirtd answers" until_true 240 virsh list
}
stop_libvirtd() {
    kill $libvirtd
    wait $libvirtd
}

# definition NAME UUID MIB: of a guest whose maximum is 56 MiB above that
definition() {
    cat <<END
<domain type='xen'>
  <name>$1</name><uuid>$2</uuid>
  <memory unit='MiB'>$(($3 + 56))</memory><currentMemory unit='MiB'>$3</currentMemory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='xenpv'>linux</type><kernel>$(ls /boot/vmlinuz-* | head -1)</kernel>
    <initrd>/run/lab-guest/initramfs</initrd><cmdline>console=hvc0 quiet psi=1</cmdline></os>
  <devices><console type='pty'/></devices>
</domain>
END
}
# gone NAME: neither Xen nor libvirt has it
gone() {
    ! xl domid "$1" && ! virsh list --name | grep -qx "$1"
}

# The guest of these tests.
why() {
    xl-ext mem-why --json virt 2>/dev/null | json ".$1"
}
is() {
    [ "$(why "$1")" = "$2" ]
}
define_virt() {
    check "the lab's initramfs is made" lab-guest create pv initramfs 128 128
    lab-guest destroy initramfs
    definition virt 11111111-2222-3333-4444-555555555555 200 >"$scratch/virt.xml"
    at_end virsh undefine virt
    at_end xl destroy virt
    check "virsh defines a guest" virsh define "$scratch/virt.xml"
}

# same_vcpus WHEN: the bytes of both, but for where and for how long a vCPU ran
# shellcheck disable=SC2086 # none is no word
theirs_and_ours() {
    virsh vcpuinfo $1 virt | sed '/^CPU:/d; /^CPU time:/d' >"$scratch/theirs"
    xl-ext vcpu-info $1 virt | sed '/^CPU:/d; /^CPU time:/d' >"$scratch/ours"
    [ -s "$scratch/ours" ] && cmp -s "$scratch/theirs" "$scratch/ours"
}
same_vcpus() {
    for form in "" --pretty; do
        if until_true 60 theirs_and_ours $form; then
            ok "$1: virsh vcpuinfo $form and xl-ext vcpu-info $form say the same, byte for byte"
        else
            not_ok "$1: virsh vcpuinfo $form and xl-ext vcpu-info $form say the same, byte for byte" \
                "$(diff "$scratch/theirs" "$scratch/ours")"
        fi
    done
}

# fill MIB: puppets that give, and leave at most so much free
fill() {
    each=$((($(xl info free_memory) - $1) / 2))
    check "puppets that fill the host" lab-puppet start full $each $each rate=65536 --count 2
    for p in full-1 full-2; do
        xl-ext mem-range $p $((each / 2)) $each >/dev/null
        lab-puppet stats $p total-memory=$((each * mib * mib)) available-memory=$((each * mib * mib * 3 / 4))
    done
    sleep 5
    echo "# free: $(xl info free_memory) MiB"
}
tell_logs() {
    sed 's/^/# memd: /' "$scratch/memd.log" | tail -40
    tail -8 "$scratch/libvirtd.log" | sed 's/^/# libvirtd: /'
}
