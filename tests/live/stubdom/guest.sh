#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest by plain "xl create", its device model in a stub domain of the default size: console, network, pausing, looking at it, and QEMU's end.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 1200
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
guest_cfg stub >"$scratch/stub.cfg"
at_end xl destroy stub

says 0 "nothing stands against" "a sound configuration has no findings" xl-ext stubdom-check "$scratch/stub.cfg"
before="$(leftovers)"

started=$(now_ms)
check "xl create starts the guest within libxl's 30 s" xl create -p "$scratch/stub.cfg"
domid=$(xl domid stub)
ok "it took $(($(now_ms) - started)) ms"
equal 128 $(($(xl-ext stubdom-list --json | json '.[0].memory_kb') / 1024)) "the stub domain has libxl's default memory (128 MiB, and no video memory)"

open_serial stub "$scratch/serial"
says_nothing "unpausing reaches QEMU" xl unpause stub
check "the guest boots from its raw disk and speaks on its serial port" until_true 300 grep -q boot: "$scratch/serial"
echo ipxe >&5
check "it hears what is typed there" until_true 180 grep -q "Loading ipxe.*ok" "$scratch/serial"

lost=0
for i in $(seq 50); do
    said=$(xl pause stub 2>&1 && xl unpause stub 2>&1) && [ -z "$said" ] || lost=$((lost + 1))
done
equal 0 $lost "50 pauses in a row, none loses QEMU's greeting"

for address in 10.0.77.11 10.0.77.12; do
    check "dom0 reaches the guest at $address through an emulated network card" until_true 300 ping -c1 -W2 $address
done

equal "stub running true on" "$(xl-ext stubdom-list --json stub | json '.[0] | "\(.guest) \(.qemu) \(.qmp_reachable) \(.stub_state)"')" \
    "stubdom-list sees QEMU running and reaches it"
equal running "$(xl-ext qmp --device-model stub query-status | json .status)" "qmp --device-model reaches the QEMU inside"
says_nothing "and leaves the way open for libxl" sh -c "xl pause stub && xl unpause stub"
says 0 "QEMU answers on QMP" "stubdom-log shows what the stub domain's init says" xl-ext stubdom-log --init stub
says 0 "nothing stands against" "stubdom-check looks at a running guest" xl-ext stubdom-check stub
check "the init reports its memory" until_true 180 grep -q "xl-ext-stubdom: .*memory:" /var/log/xen/qemu-dm-stub.log
available=$(sed -n 's/.*memory: \([0-9]*\) KB available.*/\1/p' /var/log/xen/qemu-dm-stub.log)
if [ "${available:-0}" -ge 24000 ]; then
    ok "at least 24000 KB of memory are available with QEMU running ($available)"
else
    not_ok "at least 24000 KB of memory are available with QEMU running" "$available"
fi
tail -n 5 /var/log/xen/qemu-dm-stub.log | sed 's/^/# /'

check "xl destroy takes guest and stub domain away" xl destroy stub
until_true 20 sh -c '! xl domid stub-dm'
says 1 "no domain" "the stub domain is gone" xl-ext stubdom-list stub
nothing_left "no process, socket or xenstore node is left behind"
finish
