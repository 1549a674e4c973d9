#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The how-tos (those of HOWTO): each does what it says. tests/lib/howto.py says how a page is read.
# lab: --copy docs:/root/docs
# timeout: 3600
# environment: HOWTO
. "$(dirname "$0")/../../lib/live.sh"

# No systemd runs in this dom0, and there is no other host: what pages say to these is done by hand.
mkdir "$scratch/bin"
cat >"$scratch/bin/systemctl" <<'SH'
#!/bin/sh
pid=$(cat /run/memd.pid 2>/dev/null)
stop() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -f /run/memd.pid
}
start() {
    setsid xl-ext memd >>/run/memd.log 2>&1 </dev/null &
    echo $! >/run/memd.pid
    until xl-ext mem-top --once >/dev/null 2>&1; do sleep 0.2; done
}
case $1 in
    start) start ;;
    stop) stop ;;
    restart) stop; start ;;
    status) [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && echo "Active: active (running)" || { echo "Active: inactive (dead)"; exit 3; } ;;
esac
SH
cat >"$scratch/bin/journalctl" <<'SH'
#!/bin/sh
cat /run/memd.log
SH
cat >"$scratch/bin/ssh" <<'SH'
#!/bin/sh
shift
exec sh -c "$*"
SH
# until_is SECONDS COMMAND: for what takes its time
cat >"$scratch/bin/until_is" <<'SH'
#!/bin/bash
end=$((SECONDS + $1))
until eval "$2" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || exit 1
    sleep 0.3
done
SH
chmod +x "$scratch/bin"/*
PATH=$scratch/bin:$PATH
export PATH
at_end systemctl stop

for page in /root/docs/howto/*.md; do
    name=$(basename "$page" .md)
    case " ${HOWTO-} " in "  " | *" $name "*) ;; *) continue ;; esac
    # The stub domain's needs an image, and time: howto-stubdom.sh.
    [ "$name" != stubdom ] || continue
    echo "# ---- $name"
    rm -f /run/memd.log
    output=$(python3 "$tests_folder/lib/howto.py" "$page") || failures=$((failures + 1))
    printf '%s\n' "$output" | sed "s/^\(ok\|not ok\) - /\1 - $name: /"
    systemctl stop
    rm -f /etc/xl-ext/memd.cfg
    for guest in $(xl list | awk 'NR > 2 { print $1 }'); do xl destroy "$guest"; done
    xenstore-rm /local/domain/0/xl-ext
done
finish
