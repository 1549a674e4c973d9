#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd as a service: one of it, its configuration, what it tells systemd, kill -9 at any time.
# live: core
# timeout: 120
. "$(dirname "$0")/lib.sh"

printf 'qmp_floor = "perhaps"\n' > $scratch/bad.cfg
says 2 "qmp_floor='perhaps'" "a value that is none is refused, with file and key" xl-ext memd -c $scratch/bad.cfg
printf 'qmp_owner = "no-such-user"\n' > $scratch/bad.cfg
says 2 "no such user" "an owner who is not there is refused" xl-ext memd -c $scratch/bad.cfg
printf 'qmp_version = "8.0"\n' > $scratch/bad.cfg
says 2 "qmp_version='8.0': there is 7.2 and 10.0" "another QEMU than one of two is refused" xl-ext memd -c $scratch/bad.cfg
says 2 "cannot read the configuration" "a configuration that was named must be there" xl-ext memd -c $scratch/none.cfg
printf 'this is no configuration' > $scratch/bad.cfg
says 2 "cannot read the configuration" "and be one" xl-ext memd -c $scratch/bad.cfg

# What systemd hears
cat > $scratch/systemd.py <<'P'
import os, signal, socket, subprocess, sys

path = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
s.settimeout(20)
env = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="1000000")
p = subprocess.Popen(["xl-ext", "memd"], env=env)
heard = [s.recv(100).decode() for _ in range(3)]
p.send_signal(signal.SIGTERM)
while heard[-1] != "STOPPING=1":
    heard.append(s.recv(100).decode())
print(" ".join(heard[:3] + heard[-1:]), p.wait())
P
equal "READY=1 WATCHDOG=1 WATCHDOG=1 STOPPING=1 0" "$(python3 $scratch/systemd.py $scratch/notify)" \
    "systemd is told when it is ready, lives and stops"

printf 'qmp_owner = "daemon:daemon"\nqmp_version = "10.0"\n' > $scratch/good.cfg
start_memd -c $scratch/good.cfg
equal "root:daemon 750" "$(stat -c '%U:%G %a' $run)" "the folder is root's, and the configured group's to see"
equal "daemon:daemon 600" "$(stat -c '%U:%G %a' $run/0)" "the sockets are the configured owner's"
equal "10 false" "$(xl-ext qmp 0 query-version | json .qemu.major) $(xl-ext qmp 0 query-status | json 'has("singlestep")')" \
    "the monitors speak QEMU 10's QMP when they are to"
says 1 "another memd" "a second one does not start" xl-ext memd
says 1 "another memd" "nor with a run folder of its own" xl-ext memd --run-folder $scratch/run

# It goes on after every kill.
for i in 1 2 3 4 5 6 7 8 9 10; do
    kill -9 $memd
    wait $memd 2>/dev/null
    xl-ext memd &
    memd=$!
    sleep 0.$i
done
at_end kill $memd
check "killed ten times, at ten moments of its start, it serves" until_true 20 xl-ext qmp 0 query-name
equal "0 Domain-0" "$(ls $run | tr '\n' ' ' | sed 's/ $//')" "and nothing is left over"
kill -INT $memd
wait $memd
equal 130 $? "an interrupt ends it with 130"
finish
