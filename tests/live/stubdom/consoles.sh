#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stub domains' consoles: with QEMU 8.2 and later in dom0 plain xl starts and restores a guest while memd runs, or with two words on the stub
# domain's command line; without either stubdom-check says so beforehand. An older QEMU needs neither.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 1200
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
# a verbose kernel: it fills its console long before init runs
guest_cfg plain 'vif=[]' | grep -v stubdomain_cmdline >"$scratch/plain.cfg"
at_end xl destroy plain
before="$(leftovers)"

has_log() {
    grep -a -q "xl-ext-stubdom: .*QEMU can reach its guest only" /var/log/xen/qemu-dm-plain.log
}

codes() {
    xl-ext stubdom-check --json "$1" | json '[.[].code] | join(" ")'
}

# starts_and_goes WHAT COMMAND...
starts_and_goes() {
    starts_what=$1
    shift
    rm -f /var/log/xen/qemu-dm-plain.log*
    in_time "$starts_what" "$@"
    check "$starts_what: the stub domain's log is there" until_true 30 has_log
    says_nothing "$starts_what: the guest is destroyed" xl destroy plain
    nothing_left "$starts_what: nothing is left"
}

if is_recent_qemu; then
    equal "consoles-unserved" "$(codes "$scratch/plain.cfg")" "stubdom-check says what plain xl lacks"
    says 3 "startup timed out" "without memd and without the words libxl gives up" xl create "$scratch/plain.cfg"
    nothing_left "and nothing is left"
    xl-ext stubdom-check --fix "$scratch/plain.cfg" >"$scratch/fixed.cfg" 2>/dev/null
    equal "" "$(codes "$scratch/fixed.cfg")" "stubdom-check --fix adds the words"
    starts_and_goes "plain xl with the words" xl create "$scratch/fixed.cfg"
    starts_and_goes "plain xl with the words, a guest without a serial port" xl create "$scratch/fixed.cfg" 'serial="none"'
    # Linux would stand still for ever as soon as the guest has written 2 KiB there.
    says 1 "/dev/hvc3 did not appear" "a console that dom0's QEMU does not take ends the start, with its cause" \
        xl-ext stubdom-create "$scratch/fixed.cfg" 'serial="file:/nowhere/serial"'
    nothing_left "and nothing is left of it"
else
    equal "" "$(codes "$scratch/plain.cfg")" "stubdom-check finds nothing"
fi
starts_and_goes "stubdom-create" xl-ext stubdom-create -e "$scratch/plain.cfg"
starts_and_goes "stubdom-create, a guest without a serial port" xl-ext stubdom-create -e "$scratch/plain.cfg" 'serial="none"'

start_memd
equal "" "$(codes "$scratch/plain.cfg")" "while memd runs stubdom-check finds nothing"
starts_and_goes "plain xl beside memd" xl create "$scratch/plain.cfg"
starts_and_goes "plain xl beside memd, a guest without a serial port" xl create "$scratch/plain.cfg" 'serial="none"'
in_time "plain xl starts the guest again" xl create "$scratch/plain.cfg"
check "xl save works" xl save plain "$scratch/saved"
starts_and_goes "xl restore beside memd" xl restore "$scratch/saved"
finish
