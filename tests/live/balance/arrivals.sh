#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Guests that arrive on a full host: by xl migrate, by xl-ext migrate, by xl restore. This host plays both sides.
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
size=300
real_path=$PATH
mkdir "$scratch/bin"
ln -s "$(command -v xl-ext)" "$scratch/bin/xl"
# In place of ssh: what runs at the other side is noted, and whether anything is reserved by then. With a file called slow the
# receiver gets nothing for a while: the sender is in its first round.
cat >"$scratch/ssh" <<END
#!/bin/sh
shift
echo "\$(xl-ext mem-reserve --list --json 2>/dev/null | jq length) \$*" >>"$scratch/asked"
[ -e "$scratch/plain" ] || PATH=$scratch/bin:\$PATH
if [ -e "$scratch/slow" ] && [ "\${*%migrate-receive*}" != "\$*" ]; then
    { sleep 8; exec cat; } | sh -c "\$*"
else
    exec sh -c "\$*"
fi
END
chmod +x "$scratch/ssh"

# The receiver may end a moment after the sender.
nothing_reserved() {
    if until_true 90 sh -c '[ "$(xl-ext mem-reserve --list --json | jq length)" = 0 ]'; then ok "$1"; else not_ok "$1" "$(xl-ext mem-reserve --list)"; fi
}
state() {
    xl-ext mem-why --json "$1" 2>/dev/null | json .state
}
moved() {
    [ "$(xl domid traveller)" -gt "$1" ] && lab-guest exec traveller true
}
state_is() {
    [ "$(state "$1")" = "$2" ]
}

start_memd
at_end lab-guest destroy traveller
check "a guest that will travel" lab-guest create pvh traveller $size $size 'cpuid="host,avx=0"'
check "it is balanced, too" xl-ext mem-range traveller 280 $size
cp "$(find /run -name traveller.cfg | head -1)" "$scratch/traveller.cfg"

# ---- the source, on a host that has room ----

touch "$scratch/slow"
domid=$(xl domid traveller)
xl migrate -s "$scratch/ssh" traveller elsewhere >"$scratch/migrate.log" 2>&1 &
migrating=$!
check "while plain xl has it in its first round, the source is left alone" until_true 60 state_is "$domid" migrating
equal traveller "$(xl domname "$domid")" "although its name is the one that it had"
wait $migrating
check "it has moved" moved "$domid"
rm "$scratch/slow"
check "and where it has come to it is balanced again" until_true 90 sh -c \
    'case $(xl-ext mem-why --json traveller | jq -r .state) in running | booting) ;; *) false ;; esac'
cp "$(find /run -name traveller.cfg | head -1)" "$scratch/traveller.cfg"

# ---- a full host ----

each=$((($(xl info free_memory) - 150) / 2))
at_end lab-puppet stop full
check "puppets that fill the host" lab-puppet start full $each $each rate=65536 --count 2
for p in full-1 full-2; do
    check "$p is balanced, and may give much" xl-ext mem-range $p $((each / 2)) $each
    lab-puppet stats $p total-memory=$((each * mib * mib)) available-memory=$((each * mib * mib * 3 / 4))
done
sleep 5
echo "# free: $(xl info free_memory) MiB"
[ "$(xl info free_memory)" -lt $size ] && ok "what arrives does not fit into what is free" ||
    not_ok "what arrives does not fit into what is free" "$(xl-ext mem-top --once)"

domid=$(xl domid traveller)
: >"$scratch/asked"
says 0 "Migration successful" "xl migrate to a host whose xl is a link to xl-ext" xl migrate -s "$scratch/ssh" traveller elsewhere
check "finds its memory" moved "$domid"
nothing_reserved "and nothing stays reserved"
equal "0 xl migrate-receive" "$(cut -c1-20 "$scratch/asked")" "the sender did not know of it"

domid=$(xl domid traveller)
: >"$scratch/asked"
says 0 "Migration successful" "xl-ext migrate" xl-ext migrate -s "$scratch/ssh" traveller elsewhere
check "finds its memory, too" moved "$domid"
nothing_reserved "and nothing stays reserved either"
equal "xl-ext cpu-policy xl-ext mem-reserve xl migrate-receive" "$(awk '{ printf "%s%s %s", sep, $2, $3; sep = " " }' "$scratch/asked")" \
    "memory was reserved before anything was sent"
equal 1 "$(sed -n 's/ xl migrate-receive.*//p' "$scratch/asked")" "once, and it was there when the guest set out"

touch "$scratch/plain"
domid=$(xl domid traveller)
says 0 "Migration successful" "xl-ext migrate to a host whose xl is Xen's own" xl-ext migrate -s "$scratch/ssh" traveller elsewhere
check "finds its memory by its UUID" moved "$domid"
nothing_reserved "and the reservation ends when the guest runs"

for p in full-1 full-2; do
    held=$(($(actual_of $p) / mib))
    xl-ext mem-range $p $held $held >/dev/null
done
xl-ext mem-range traveller $size $size >/dev/null
sleep 3
domid=$(xl domid traveller)
: >"$scratch/asked"
says 3 "cannot make room for the guest: .*only .* MiB became free" "to a host whose guests may give nothing" \
    xl-ext --timeout 40 migrate -s "$scratch/ssh" traveller elsewhere
equal "" "$(grep migrate-receive "$scratch/asked")" "nothing is sent"
equal "$domid" "$(xl domid traveller)" "and the guest stays"
check "where it answers" lab-guest exec traveller true
for p in full-1 full-2; do
    xl-ext mem-range $p $((each / 2)) $each >/dev/null
done

# ---- restore ----

check "the guest is saved" xl save traveller "$scratch/state"
lab-puppet stop full
each=$((($(xl info free_memory) - 150) / 2))
check "puppets that fill the host again" lab-puppet start full $each $each rate=65536 --count 2
for p in full-1 full-2; do
    xl-ext mem-range $p $((each / 2)) $each >/dev/null
    lab-puppet stats $p total-memory=$((each * mib * mib)) available-memory=$((each * mib * mib * 3 / 4))
done
sleep 5
echo "# free: $(xl info free_memory) MiB"
[ "$(xl info free_memory)" -lt $size ] && ok "what is restored does not fit into what is free" ||
    not_ok "what is restored does not fit into what is free" "$(xl-ext mem-top --once)"
# What plain xl does there is measured, not required: it claims nothing, and takes what it needs as it goes.
(while sleep 0.2; do
    # shellcheck disable=SC2046
    set -- $(xl info | awk '/^free_memory|^outstanding_claims/ { print $3 }')
    echo "free $1 claimed $2"
done) >"$scratch/plain-restore" &
looks=$!
began=$(date +%s%N)
xl restore "$scratch/state" >"$scratch/plain.log" 2>&1
plain=$?
echo "# plain xl restore: exit status $plain after $((($(date +%s%N) - began) / 1000000)) ms: $(tail -1 "$scratch/plain.log")"
kill $looks
uniq "$scratch/plain-restore" | tr '\n' ';' | sed 's/^/# /'
echo
equal 0 "$(awk '$4 > most { most = $4 } END { print most + 0 }' "$scratch/plain-restore")" "plain xl restore makes no claim"
xl destroy traveller 2>/dev/null
until_true 30 sh -c '! xl domid traveller'
sleep 5
check "xl-ext restore" xl-ext restore -t 120 "$scratch/state"
check "finds its memory" lab-guest exec traveller true
nothing_reserved "and nothing stays reserved"

# ---- what the host starts by itself ----

xl destroy traveller
until_true 30 sh -c '! xl domid traveller'
mkdir -p /var/lib/xen/save /etc/xen/auto
mv "$scratch/state" /var/lib/xen/save/traveller
sed 's/"traveller"/"second"/' "$scratch/traveller.cfg" >/etc/xen/auto/second.cfg
at_end rm -rf /var/lib/xen/save/traveller /etc/xen/auto
at_end xl destroy second
sleep 5
[ "$(xl info free_memory)" -lt $((2 * size)) ] && ok "a saved guest and one of /etc/xen/auto do not fit into what is free" ||
    not_ok "a saved guest and one of /etc/xen/auto do not fit into what is free" "$(xl-ext mem-top --once)"
# As the drop-in for systemd has it.
dropin=$(find /usr/local/share/xl-ext/hooks /usr/share/xl-ext/hooks -name xendomains.conf 2>/dev/null | head -1)
path=$(sed -n 's/^Environment="\{0,1\}PATH=\([^"]*\)"\{0,1\}$/\1/p' "$dropin")
equal xl-ext "$(basename "$(readlink -f "$(PATH=$path command -v xl)")")" "with the drop-in xendomains finds xl-ext as xl"
PATH=$path /etc/init.d/xendomains start 2>&1 | sed 's/^/# xendomains: /'
check "xendomains restores the one" lab-guest exec traveller true
check "and starts the other, when it finds xl-ext as xl" lab-guest wait second
xl destroy second

# ---- without memd ----

lab-puppet stop full
kill $memd
wait $memd
domid=$(xl domid traveller)
says 0 "no memory is reserved on host elsewhere, xl goes on alone: .*memd does not run" \
    "without memd there, a guest is sent as by xl" xl-ext migrate -s "$scratch/ssh" traveller elsewhere
check "and arrives" moved "$domid"
rm "$scratch/plain"
domid=$(xl domid traveller)
says 0 "Migration successful" "without memd, a host whose xl is a link to xl-ext takes it" xl migrate -s "$scratch/ssh" traveller elsewhere
check "and it arrives" moved "$domid"
check "it is saved" xl save traveller "$scratch/state"
says 0 "memd does not run" "without memd restore says so and goes on like plain xl" xl-ext restore "$scratch/state"
check "and the guest is there" lab-guest exec traveller true

PATH=$real_path
sed 's/^/# memd: /' "$scratch/memd.log" | tail -40
finish
