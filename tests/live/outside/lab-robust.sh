#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 1800
# The lab when something goes wrong: crashes, interruptions, several at once, large files, a set-up that was killed.

. tests/lib/live.sh
lab=$PWD/lab/xen-lab
PATH=$PATH:/usr/sbin

script() {
    printf '#!/bin/bash\n%s\n' "$2" > "$scratch/$1"
    chmod 755 "$scratch/$1"
}

script crash 'echo before; echo c > /proc/sysrq-trigger; sleep 100'
"$lab" run --no-install --timeout 300 "$scratch/crash" > "$scratch/out" 2> "$scratch/err"
equal 125 "$?" "a dom0 that panics makes run exit 125"
check "the end of the console's log is shown" grep -q "sysrq: Trigger a crash" "$scratch/err"
equal before "$(cat "$scratch/out")" "what the script wrote before has arrived"

script true true
"$lab" run --no-install --no-snapshot --cpu max "$scratch/true" > "$scratch/out" 2> "$scratch/err"
equal 125 "$?" "a machine that cannot boot (SMAP) makes run exit 125"
check "its console's log is shown" grep -q "(XEN)" "$scratch/err"
"$lab" run --no-install --no-snapshot --boot-timeout 2 "$scratch/true" > "$scratch/out" 2> "$scratch/err"
equal 125 "$?" "a machine that does not come up in time makes run exit 125"
"$lab" run --no-install --cpu no-such-cpu "$scratch/true" > "$scratch/out" 2> "$scratch/err"
equal 125 "$?" "a machine that QEMU refuses makes run exit 125"
check "QEMU's reason is shown" grep -q "no-such-cpu" "$scratch/err"

# Two at once, from one snapshot.
script both 'echo "$1" > /root/me; for i in $(seq 100); do sleep 0.1; done; cat /root/me'
for i in 1 2; do
    "$lab" run --no-install --timeout 300 "$scratch/both" "number $i" > "$scratch/both.$i" 2> /dev/null &
done
wait
equal "number 1 number 2" "$(cat "$scratch/both.1") $(cat "$scratch/both.2")" "two run side by side from one snapshot"

head -c 400000000 /dev/urandom > "$scratch/large"
script large 'cp /large /large.copy'
check "400 MB pass in and out" "$lab" run --no-install --timeout 300 --copy "$scratch/large:/large" \
    --fetch "/large:$scratch/large.back" "$scratch/true"
check "and arrive whole" cmp "$scratch/large" "$scratch/large.back"
rm -f "$scratch/large" "$scratch/large.back"

# interrupt SIGNAL: starts a run of its own, and sends it SIGNAL while the script runs. Sets status, machine (QEMU's
# process) and folder (the run's).
script wait 'echo running; sleep 1000'
interrupt() {
    mkfifo "$scratch/fifo"
    # A shell without job control starts background processes with SIGINT ignored.
    env --default-signal=INT setsid "$lab" run --no-install "$scratch/wait" > "$scratch/fifo" 2> /dev/null &
    pid=$!
    read -r line < "$scratch/fifo"
    rm -f "$scratch/fifo"
    machine=$(pgrep -P "$pid" qemu-system)
    folder=$(tr '\0' '\n' < "/proc/$machine/cmdline" | sed -n 's/^file:\(.*\)\/console$/\1/p')
    check "a machine runs before SIG$1 ($line)" test -e "$folder/console"
    kill "-$1" "$pid"
    wait "$pid"
    status=$?
}
machine_gone() {
    [ ! -e "/proc/$machine" ]
}
interrupt INT
equal 130 "$status" "SIGINT makes run exit 130"
check "no machine is left after SIGINT" machine_gone
check "no file is left after SIGINT" test ! -e "$folder"
interrupt TERM
equal 143 "$status" "SIGTERM makes run exit 143"
check "no machine is left after SIGTERM" machine_gone
check "no file is left after SIGTERM" test ! -e "$folder"
interrupt KILL
check "no machine is left after SIGKILL" until_true 30 machine_gone
check "a later run works" "$lab" run --no-install --timeout 100 "$scratch/true"
check "and removes what the killed one left" test ! -e "$folder"

# A shell on a terminal and one without.
out=$(printf 'xl info\nexit 5\n' | "$lab" shell --no-install 2> /dev/null)
equal 5 "$?" "shell without a terminal exits with the shell's status"
check "and reads commands from stdin" grep -q "xen_version.*4[.]" <<< "$out"
# Input and output of more than any pipe holds: neither side may wait for the other.
equal "$(seq 300000 | sed 's/^/x/')" "$({
    echo "sed 's/^/x/'"
    seq 300000
} | "$lab" shell --no-install 2> /dev/null)" "a shell's long input and output do not block each other"
mkfifo "$scratch/keys"
exec 9<> "$scratch/keys" # open for writing, too, so that the typing never ends before the shell
printf 'tty; echo rows $(stty size)\nexit 6\n' >&9
out=$(timeout 200 script -qec "stty rows 33 cols 77; $lab shell --no-install" /dev/null < "$scratch/keys" 2> /dev/null)
exec 9>&-
check "shell on a terminal has a terminal of its own" grep -q "^/dev/pts" <<< "$out"
check "of the same size" grep -q "rows 33 77" <<< "$out"

# Set-up from nothing, killed and started again, as an ordinary user.
chmod 755 "$scratch"
mkdir "$scratch/home"
as_user=()
if [ "$(id -u)" = 0 ]; then
    chown nobody "$scratch/home"
    as_user=(setpriv --reuid nobody --regid nogroup --clear-groups)
fi
as_user+=(env HOME="$scratch/home" XDG_CACHE_HOME="$scratch/home/cache")
setsid "${as_user[@]}" "$lab" setup > /dev/null 2> "$scratch/err" &
pid=$!
until_true 120 eval "ls -d '$scratch'/home/cache/xl-ext/lab/system-*/tree.part"
kill -KILL -- "-$pid"
wait "$pid" 2> /dev/null
check "a set-up that was killed can be gone on with, without root" "${as_user[@]}" "$lab" setup
check "an ordinary user can run" "${as_user[@]}" "$lab" run --no-install --timeout 100 "$scratch/true"
check "a further set-up has nothing to do" test -z "$("${as_user[@]}" "$lab" setup 2>&1)"
finish
