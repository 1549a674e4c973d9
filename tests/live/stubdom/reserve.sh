#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Memory for a guest and its stub domain is reserved before: when it is started, restored, and received.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 1200
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
counter_cfg count >"$scratch/count.cfg"
at_end xl destroy count
xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 60 test -S /run/xl-ext/control.sock

# watching: from now on each reservation that there is is noted, KiB
watching() {
    : >"$scratch/seen"
    (while :; do xl-ext mem-reserve --list --json | jq -r '.[].memkb' >>"$scratch/seen"; done) &
    watcher=$!
    at_end kill $watcher
}
# was_reserved NAME: as much as the guest (64 MiB) and its stub domain (128 MiB) need, and nothing of it is left
was_reserved() {
    kill $watcher
    most=$(sort -n "$scratch/seen" | tail -n 1)
    check "memory for guest and stub domain was reserved $1 (${most:-0} KiB)" test "${most:-0}" -ge $((192 * 1024))
    equal 0 "$(xl-ext mem-reserve --list --json | json length)" "and nothing stays reserved $1"
}

watching
in_time "stubdom-create starts the guest" xl-ext stubdom-create -e "$scratch/count.cfg"
was_reserved "at the start"
hear_counter count
counts count
check "it is saved" xl-ext save count "$scratch/saved"
watching
in_time "it is restored" xl-ext restore "$scratch/saved"
was_reserved "at the restore"
hear_counter count
counts count
cat >"$scratch/ssh" <<'SSH'
#!/bin/sh
shift 2
exec xl-ext "$@"
SSH
chmod +x "$scratch/ssh"
watching
in_time "it moves to a host that receives with xl-ext" xl migrate -s "$scratch/ssh" count localhost
was_reserved "at the journey's end"
hear_counter count
counts count
sed 's/^/# memd: /' "$scratch/memd.log" | tail -20
finish
