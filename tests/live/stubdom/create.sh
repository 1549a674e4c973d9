#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# stubdom-create and the monitor: a start, QEMU's death noticed, restart, reboot, power-off, interrupts; what cannot work is refused.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 2700
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
guest_cfg made 'on_crash="restart"' 'vga="cirrus"' >"$scratch/made.cfg"
monitor_log=/var/log/xen/xl-ext-made.log
stub_log=/var/log/xen/qemu-dm-made.log

# noticed WHAT PATTERN: it has happened; the monitor says so. A loaded machine may take its time: that is reported, not judged.
noticed() {
    noticed_from=$(now_ms)
    check "the monitor notices $1" until_true 60 grep -q "$2" $monitor_log
    echo "# after $(($(now_ms) - noticed_from)) ms"
}
at_end xl destroy made

no_monitor() {
    ! pgrep -f "xl-ext -v stubdom-monitor"
}

runs_again() {
    [ "$(grep -c "runs again" $monitor_log)" = "$1" ] && xl domid made
}

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
nothing_left "and leaves nothing behind"

# ---- a start ----
started=$(now_ms)
check "stubdom-create starts a guest" xl-ext stubdom-create "$scratch/made.cfg"
echo "# it took $(($(now_ms) - started)) ms"
domid=$(xl domid made)
stub=$(xl domid made-dm)
equal running "$(xl-ext stubdom-list --json made | json '.[0].qemu')" "QEMU runs"
check "a monitor stays beside the guest" pgrep -f "stubdom-monitor $domid"
says 4 "name-taken" "a name that is taken is refused" xl-ext stubdom-create "$scratch/made.cfg"
says 4 "sent again and again" "Remus is refused before anything happens" xl-ext remus made nowhere
says 4 "cannot change the disc" "changing a CD too" xl-ext cd-insert made hdc "$scratch/x"
equal running "$(xl-ext stubdom-list --json made | json '.[0].qemu')" "the guest goes on"

# ---- the stub domain dies under the guest: on_crash restarts it ----
says 1 "already exists" "a guest whose name is taken is not started, and the other one stays" \
    xl-ext stubdom-create "$scratch/made.cfg" 'name="Domain-0"'
check "the stub domain is destroyed under the guest" xl destroy "$stub"
noticed "a dead stub domain" "device model is dead: the stub domain was destroyed"
check "on_crash=restart is carried out" until_true 300 runs_again 1
equal running "$(xl-ext stubdom-list --json made | json '.[0].qemu')" "and QEMU runs again"

# ---- the guest reboots itself, which QEMU tells Xen of ----
open_serial made "$scratch/serial"
check "the guest boots" until_true 600 grep -q boot: "$scratch/serial"
echo reboot >&5
check "on_reboot=restart is carried out" until_true 300 runs_again 2

# ---- QEMU ends under the guest; the monitor is interrupted while it restarts it ----
xl-ext qmp --device-model made quit >"$scratch/quit" 2>&1
# the log is a new one since the restart
check "QEMU ends when it is told to" until_true 30 grep -q "QEMU ended with exit status 0" $stub_log
noticed "that QEMU has ended" "device model is dead: QEMU ended: exited 0"
pkill -INT -f "stubdom-monitor $domid"
check "an interrupted monitor ends" until_true 120 no_monitor
xl destroy made 2>/dev/null
nothing_left "nothing is left behind"

# ---- who destroys a guest is not worked against ----
check "the guest is started again" xl-ext stubdom-create "$scratch/made.cfg"
check "xl destroys it under the monitor" xl destroy made
noticed "that the guest is gone" "the guest is gone"
check "and ends" until_true 30 no_monitor
nothing_left "nothing comes back, and nothing is left behind"

# ---- the guest switches itself off; in the foreground ----
xl-ext stubdom-create -F "$scratch/made.cfg" >"$scratch/out" 2>&1 &
starter=$!
check "stubdom-create -F starts a guest" until_true 180 grep -q "^State *running" "$scratch/out"
open_serial made "$scratch/serial"
check "the guest boots" until_true 600 grep -q boot: "$scratch/serial"
echo poweroff >&5
wait $starter
equal 0 $? "stubdom-create -F ends with the guest"
sed 's/^/# /' $monitor_log
nothing_left "on_poweroff=destroy leaves nothing behind"
finish
