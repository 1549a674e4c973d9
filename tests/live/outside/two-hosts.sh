#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest with its device model in a stub domain moves from one host to another by plain xl migrate, with memd at both ends. Two labs side
# by side; their standard streams stand for ssh. Runs on the build machine.
# timeout: 2400
cd "$(dirname "$0")/../../.." || exit 1
. tests/lib/live.sh

cat >"$scratch/host" <<'HOST'
#!/bin/sh
exec /root/tests/live/outside/two-hosts-in-dom0 "$1"
HOST
chmod +x "$scratch/host"
mkfifo "$scratch/there" "$scratch/back"
# a pipe that both ends open at once, in whatever order
exec 4<>"$scratch/there" 5<>"$scratch/back"

# host ROLE INPUT OUTPUT: in the background
host() {
    lab/xen-lab run --stdin --timeout 1500 --copy tests:/root/tests --copy build/stubdom/live:/root/stubdom \
        "$scratch/host" "$1" <&"$2" >&"$3" 2>"$scratch/$1.log" &
}
host receives 4 5
receiver=$!
at_end kill $receiver
host sends 5 4
sender=$!
at_end kill $sender
wait $sender
sender_status=$?
# who sends nothing leaves the other waiting
[ $sender_status = 0 ] || kill $receiver
wait $receiver
receiver_status=$?

for role in sends receives; do
    sed -n -e "s/^ok - /ok - the host that $role: /p" -e "s/^not ok - /not ok - the host that $role: /p" -e "s/^#/# $role:/p" "$scratch/$role.log"
done
grep -q "^not ok" "$scratch/sends.log" "$scratch/receives.log" && failures=$((failures + 1))
said() {
    sed -n "s/^said $2 //p" "$scratch/$1.log"
}
if grep -q "# SKIP" "$scratch"/*.log; then
    skip "the guest goes on there" "no stub domain starts within libxl's 30 s on this machine"
    finish
fi
equal "0 0" "$sender_status $receiver_status" "both hosts come to their end"
saved=$(said sends number) first=$(said receives number)
check "the guest goes on there where it was (left at ${saved:-nothing}, goes on with ${first:-nothing})" \
    test "${first:-0}" -eq "${saved:--1}" -o "${first:-0}" -eq $((${saved:--2} + 1))
[ $failures = 0 ] || tail -n 30 "$scratch"/*.log | sed 's/^/# /'
finish
