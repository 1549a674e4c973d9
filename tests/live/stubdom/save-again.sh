#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Saved while it goes on, saved again, moved, moved in vain, and what is not the guest's state refused: a guest with its device model in a stub domain.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 1800
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
counter_cfg count >"$scratch/count.cfg"
at_end xl destroy count
before="$(leftovers)"

# goes_on FROM: restored or moved and still paused, it counts on from FROM and no other number
goes_on() {
    hear_counter count
    says_nothing "it is unpaused" xl unpause count
    counts count
    goes_on_first=$(first_number)
    check "it goes on from $1 (with $goes_on_first)" test "$goes_on_first" -eq "$1" -o "$goes_on_first" -eq $(($1 + 1))
}

in_time "the guest starts" xl create "$scratch/count.cfg"
hear_counter count
counts count
equal "true null" "$(xl-ext stubdom-list --json count | json '.[0] | "\(.can_be_saved) \(.why_not_saved)"')" "stubdom-list tells that it can be saved"

# ---- saved while it goes on, then saved again ----
check "xl save -c works" xl save -c count "$scratch/first"
hear_counter count
counts count
says 0 "" "xl-ext save works afterwards, and verifies the file" xl-ext save count "$scratch/second"
saved=$(number_on_disk count)
cp "$scratch/count.disk" "$scratch/count.disk.second"
nothing_left "nothing is left of the saved guest"
in_time "the second state is restored" xl restore -p "$scratch/second"
goes_on "$saved"

# ---- moved, and moved back ----
cat >"$scratch/ssh" <<'SSH'
#!/bin/sh
shift
exec "$@"
SSH
chmod +x "$scratch/ssh"
for journey in there back; do
    in_time "xl migrate works ($journey)" xl migrate -p -s "$scratch/ssh" count localhost
    goes_on "$(number_on_disk count)"
done
says 0 "the state is being saved" "stubdom-log finds what the stub domain says after a journey, too" sh -c "xl save -c count $scratch/third && xl-ext stubdom-log --init count"

# ---- a receiver that takes everything and then fails: the guest goes on here ----
cat >"$scratch/ssh" <<'SSH'
#!/bin/sh
printf 'xl migration receiver ready, send binary domain data.\n'
timeout 60 cat >/dev/null
exit 1
SSH
domid=$(xl domid count)
check "a migration that fails at its end is reported" sh -c "! timeout 300 xl migrate -s $scratch/ssh count localhost"
equal "$domid" "$(xl domid count)" "the guest stays where it was"
hear_counter count
counts count

# ---- refused: nothing that is not the guest's state runs ----
says 0 "" "it is saved" xl-ext save count "$scratch/saved"
saved=$(number_on_disk count)
at=$(grep -a -b -o xl-ext-dm-state "$scratch/saved" | tail -n 1 | cut -d: -f1)
cp "$scratch/saved" "$scratch/spoilt"
printf '\377' | dd of="$scratch/spoilt" bs=1 seek=$((at + 70)) conv=notrunc status=none
says 4 "state [0-9]* is spoilt" "xl-ext restore refuses a spoilt state at once" xl-ext restore "$scratch/spoilt"
nothing_left "and nothing has happened"
check "xl restore fails, too" sh -c "! xl restore $scratch/spoilt"
check "and the stub domain's log says why" grep -a -q "the guest is not restored: state [0-9]* is spoilt" /var/log/xen/qemu-dm-count.log
nothing_left "nothing is left of it"
in_time "the guest is still saved, and can be restored" xl restore -p "$scratch/saved"
goes_on "$saved"
domid=$(xl domid count) stub=$(xl domid count-dm)
xenstore-rm "/local/domain/$stub/device-model/$domid/xl-ext/save"
says 4 "the image of its stub domain $stub cannot save" "a stub domain that does not say that it can be saved is refused" xl-ext save count "$scratch/none"
says 4 "the image of its stub domain $stub cannot save" "also to be moved" xl-ext migrate -s true count nowhere
check "and the file was not begun" test ! -e "$scratch/none"
finish
