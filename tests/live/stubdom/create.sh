#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# stubdom-create and the monitor: a start, QEMU's death noticed, restart, interrupts; what cannot work is refused.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 1500
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
guest_cfg made 'on_crash="restart"' 'vga="cirrus"' >"$scratch/made.cfg"
monitor_log=/var/log/xen/xl-ext-made.log
at_end xl destroy made

# ---- refused before anything happens ----
guest_cfg wrong 'device_model_override="/usr/bin/qemu"' 'dm_restrict=1' >"$scratch/wrong.cfg"
before="$(leftovers)"
says 4 "dm-override: .*leave device_model_override out" "an override is refused with its cure" xl-ext stubdom-create "$scratch/wrong.cfg"
says 4 "dm-restrict" "dm_restrict is refused" xl-ext stubdom-create "$scratch/wrong.cfg"
says 2 "cannot read" "a configuration that is not there" xl-ext stubdom-create "$scratch/none.cfg"
echo 'type="hvm" name=' >"$scratch/broken.cfg"
says 2 "xl refuses" "a configuration that xl cannot parse" xl-ext stubdom-create "$scratch/broken.cfg"
says 4 "not-hvm" "settings behind the file count" xl-ext stubdom-create "$scratch/made.cfg" 'type="pv"' 'kernel="/boot/x"'
xl-ext stubdom-check --fix "$scratch/wrong.cfg" >"$scratch/fixed.cfg" 2>/dev/null
says 0 "nothing stands against" "stubdom-check --fix makes a configuration without findings" xl-ext stubdom-check "$scratch/fixed.cfg"
equal dm-override,dm-restrict "$(xl-ext stubdom-check --json "$scratch/wrong.cfg" | json '[.[].code] | join(",")')" "codes as JSON"

# ---- an interrupt in the middle undoes the start ----
xl-ext stubdom-create "$scratch/made.cfg" >"$scratch/out" 2>&1 &
starter=$!
check "the start gets as far as the stub domain" until_true 180 xl domid made-dm
kill -INT $starter
wait $starter
equal 130 $? "an interrupted start exits with 130"
equal "$before" "$(leftovers)" "and leaves nothing behind"

# ---- a start ----
started=$(now_ms)
check "stubdom-create starts a guest" xl-ext stubdom-create "$scratch/made.cfg"
ok "it took $(($(now_ms) - started)) ms"
domid=$(xl domid made)
stub=$(xl domid made-dm)
equal running "$(xl-ext stubdom-list --json made | json '.[0].qemu')" "QEMU runs"
check "a monitor stays beside the guest" pgrep -f "stubdom-monitor $domid"
says 4 "name-taken" "a name that is taken is refused" xl-ext stubdom-create "$scratch/made.cfg"
says 4 "cannot be saved" "saving is refused before anything happens" xl-ext save made "$scratch/saved"
says 4 "cannot save its state" "migrating too" xl-ext migrate -s true made nowhere
says 4 "cannot change the disc" "changing a CD too" xl-ext cd-insert made hdc "$scratch/x"
equal running "$(xl-ext stubdom-list --json made | json '.[0].qemu')" "the guest goes on"

# ---- the stub domain dies under the guest: on_crash restarts it ----
says 1 "already exists" "a guest whose name is taken is not started, and the other one stays" \
    xl-ext stubdom-create "$scratch/made.cfg" 'name="Domain-0"'
died=$(now_ms)
xl destroy "$stub"
check "the monitor notices a dead stub domain" until_true 60 grep -q "device model is dead: the stub domain was destroyed" $monitor_log
noticed=$(($(now_ms) - died))
[ $noticed -lt 4000 ] && ok "within $noticed ms, xl destroy included" || not_ok "within 2 s" "$noticed ms"
check "on_crash=restart is carried out" until_true 300 sh -c "grep -q 'runs again' $monitor_log && xl domid made"
equal running "$(xl-ext stubdom-list --json made | json '.[0].qemu')" "and QEMU runs again"

# ---- QEMU ends under the guest; the monitor is interrupted while it restarts it ----
died=$(now_ms)
printf '{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n' |
    timeout 5 socat -t 3 - "UNIX-CONNECT:/var/run/xen/qmp-libxl-$(xl domid made)" >"$scratch/quit" 2>&1
check "the monitor notices that QEMU has ended" until_true 60 grep -q "device model is dead: QEMU ended: exited 0" $monitor_log
noticed=$(($(now_ms) - died))
[ $noticed -lt 6000 ] && ok "within $noticed ms, QMP included" || not_ok "within 2 s" "$noticed ms"
pkill -INT -f "stubdom-monitor $domid"
check "an interrupted monitor ends" until_true 90 sh -c "! pgrep -f 'stubdom-monitor $domid'"
xl destroy made 2>/dev/null
sed 's/^/# /' $monitor_log
equal "$before" "$(leftovers)" "nothing is left behind"
finish
