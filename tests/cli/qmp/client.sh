#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl-ext qmp, and the server, on a balloon that is only numbers.
. "$(dirname "$0")/../../lib/cli.sh"

scratch=$(mktemp -d)
socket=$scratch/monitor
"$(dirname "$tool")/tests/qmp-server" "$socket" &
server=$!
large=
trap 'kill $server $large 2>/dev/null; rm -rf "$scratch"' EXIT
for i in $(seq 100); do [ -S "$socket" ] && break; sleep 0.1; done

# fed STATUS PATTERN NAME INPUT: the tool, given lines on standard input
fed() {
    output=$(printf "$4" | "$tool" qmp "unix:$socket" 2>&1) && status=0 || status=$?
    if [ "$status" = "$1" ] && printf '%s\n' "$output" | grep -q -e "$2"; then
        ok "$3"
    else
        not_ok "$3"
        printf '%s\n' "exit status $status" "$output" | sed 's/^/# /'
    fi
}

says 0 '^{"actual": 268435456}$' "a command's result is printed as JSON" qmp "unix:$socket" query-balloon
says 0 '^{}$' "arguments may be words" qmp "unix:$socket" balloon value=134217728
says 0 '^{}$' "or an object" qmp "unix:$socket" balloon '{"value": 268435456}'
says 0 '^{"name": "parity"}$' "a whole request may be given" qmp "unix:$socket" '{"execute": "query-name", "id": 5}'
says 0 '^0$' "words that are no JSON are strings" qmp "unix:$socket" qom-get path=balloon0 property=guest-stats-polling-interval
says 1 "DeviceNotFound: Device 'x' not found" "an error of the server is shown" qmp "unix:$socket" qom-get path=x property=y
says 0 'enter a positive value' "2^63 MiB are as negative as in QEMU" qmp "unix:$socket" human-monitor-command '{"command-line": "balloon 9223372036854775808"}'
says 2 "KEY=VALUE" "arguments that are none are refused" qmp "unix:$socket" balloon 134217728
says 2 "incomplete JSON" "half a request is refused" qmp "unix:$socket" '{"execute":'
says 2 "given twice" "an argument given twice is refused" qmp "unix:$socket" balloon value=1 value=2
says 1 'cannot connect to .*/none: No such file or directory$' "no server is said, and memd is not to blame for it" qmp "unix:$scratch/none" query-name
says 2 "too few" "no argument is too few" qmp
fed 0 '"running": false' "lines are carried out in order" 'stop\nquery-status\n'
fed 0 '"RESUME"' "events are shown between them" 'cont\nquery-status\n'
fed 1 'CommandNotFound' "the last line makes the exit status" 'query-name\nnope'
fed 0 'parity' "an error before it does not" 'nope\n\n  query-name  \n'
printf 'query-uuid\n' > "$scratch/script"
output=$("$tool" qmp "unix:$socket" < "$scratch/script")
[ "$output" = '{"UUID": "00000000-0000-0000-0000-000000000000"}' ] && ok "lines may come from a file" || not_ok "lines may come from a file"

if python3 - "$tool" "unix:$socket" << 'EOF'
import os, subprocess, sys
ours, theirs = os.pipe()
shell = subprocess.Popen([sys.argv[1], "qmp", sys.argv[2]], stdin=ours, stdout=subprocess.PIPE)
os.write(theirs, b"query-name\n")
shell.stdout.readline()
blocks = os.get_blocking(ours)
os.close(theirs)
sys.exit(shell.wait() or not blocks)
EOF
then ok "its caller's standard input stays blocking"; else not_ok "its caller's standard input stays blocking"; fi

"$tool" qmp -e "unix:$socket" balloon value=134217728 > "$scratch/events" 2>&1 &
listener=$!
for i in $(seq 100); do grep -q '134217728' "$scratch/events" && break; sleep 0.1; done
grep -q '"BALLOON_CHANGE", "data": {"actual": 134217728}' "$scratch/events" && ok "-e shows events to the last" || not_ok "-e shows events to the last"
kill -INT $listener
wait $listener
[ $? = 130 ] && ok "until it is interrupted" || not_ok "until it is interrupted"

python3 "$(dirname "$0")/../../lib/qmp-clients.py" "$socket" || failures=$((failures + 1))
python3 "$(dirname "$0")/../../lib/qmp-schema.py" "$socket" || failures=$((failures + 1))

# While the server is busy, as with a thousand domains, its clients wait; none is turned away.
kill -STOP $server
if python3 - "$socket" << 'EOF'
import socket, sys
clients = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) for _ in range(100)]
for client in clients:
    client.connect(sys.argv[1])
EOF
then ok "a hundred clients may come at once"; else not_ok "a hundred clients may come at once"; fi
kill -CONT $server

python3 "$(dirname "$0")/../../lib/qmp-large-server.py" "$scratch/large" &
large=$!
for i in $(seq 100); do [ -S "$scratch/large" ] && break; sleep 0.1; done
says 0 '"member-7999"' "an answer as large as QEMU's schema is read" qmp "unix:$scratch/large" query-qmp-schema
says 1 "sends no proper QMP" "a server that speaks something else is given up" qmp "unix:$scratch/large" query-name
[ "$(printf '%s\n' "$says_output" | wc -l)" = 1 ] && ok "and that is said once" || not_ok "and that is said once"
says 1 "sends no proper QMP" "also while only events are waited for" qmp -e "unix:$scratch/large" query-version
kill $large

"$tool" qmp -e "unix:$socket" query-name > /dev/null 2>&1 &
listener=$!
sleep 0.5
kill $server
wait $server
[ $? = 0 ] && ok "the server ends without a fault" || not_ok "the server ends without a fault"
wait $listener
[ $? = 0 ] && ok "-e ends when the server does" || not_ok "-e ends when the server does"
[ ! -e "$socket" ] && ok "the socket is removed" || not_ok "the socket is removed"
finish
