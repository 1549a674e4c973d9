#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# "ln -s xl-ext xl" at the head of PATH: the life of a guest, typed as for xl, with memd running.
# timeout: 500
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
real_path=$PATH
mkdir "$scratch/bin"
ln -s "$(command -v xl-ext)" "$scratch/bin/xl"

XL_EXT=$(command -v xl-ext)
"$XL_EXT" memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock
check "a guest is made, for its configuration" lab-guest create pvh linked 128 160 'cpuid="host,avx=0"'
cp "$(find /run -name linked.cfg | head -1)" "$scratch/linked.cfg"
lab-guest destroy linked
# In place of ssh: this host plays the other one.
printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >"$scratch/ssh"
chmod +x "$scratch/ssh"

PATH=$scratch/bin:$PATH
at_end xl destroy linked

# ---- create ----

says 0 '"name": "linked"' "a dry run prints the configuration" xl create -n "$scratch/linked.cfg"
says 1 "" "and starts nothing" xl domid linked
says 0 '"name": "linked"' "so does the option before the command" xl -N create "$scratch/linked.cfg"
says 2 "^option" "an option that xl does not know is xl's to refuse" xl create --nonsense "$scratch/linked.cfg"
check "create -p -e, configuration by -f, a key of ours on the command line" \
    xl create -pe -f "$scratch/linked.cfg" dynamic_memory_min=128 'vcpus=1'
domid=$(xl domid linked)
equal "$((128 * mib))" "$(xenstore-read "/local/domain/$domid/memory/dynamic-min")" "the key has its effect"
says 0 "^linked  *$domid .*--p---" "list shows it paused" xl list linked
xl destroy linked
check "create from standard input" sh -c "cat $scratch/linked.cfg | xl create -q /dev/stdin dynamic_memory_min=128"
domid=$(xl domid linked)
equal "$((128 * mib))" "$(xenstore-read "/local/domain/$domid/memory/dynamic-min")" "all of its readers have read it"
xl destroy linked

xl create -F "$scratch/linked.cfg" >"$scratch/foreground.log" 2>&1 &
foreground=$!
check "create -F builds it" until_true 60 lab-guest wait linked
check "and its reservation ends with the build" until_true 10 sh -c '[ "$(xl-ext mem-reserve --list --json | jq length)" = 0 ]'
check "while xl waits for its end" kill -0 $foreground

# ---- the rest of its life ----

says 0 "^linked " "vcpu-list is ours" xl vcpu-list linked
check "the console is there" sh -c "timeout 3 xl console linked </dev/null | head -c 1; [ \$? -le 1 ]"
domid=$(xl domid linked)
check "shutdown" xl shutdown linked
# The kernel empties the node when it has read it; there is no poweroff in this guest's initramfs to do more.
check "reaches the guest's kernel" until_true 20 sh -c "[ -z \"\$(xenstore-read /local/domain/$domid/control/shutdown)\" ]"
check "destroy" xl destroy linked
# Only this shell can tell its end from a process that nobody has waited for.
(sleep 60; kill -9 $foreground) 2>/dev/null &
guard=$!
wait $foreground
ended=$?
kill $guard
check "the xl in the foreground ends with the guest" test $ended != 137

check "it starts again" xl create -q "$scratch/linked.cfg"
check "and answers" lab-guest wait linked
check "save" xl save linked "$scratch/saved"
says 1 "" "takes it away" xl domid linked
check "restore" xl restore -e "$scratch/saved"
check "brings it back" lab-guest exec linked true
rm -f "$scratch/saved"
before=$(xl domid linked)
check "migrate, with the check and xl's own options" xl migrate -e -s "$scratch/ssh" linked localhost
check "it is another domain now" sh -c "[ \$(xl domid linked) != $before ]"
check "and answers" lab-guest exec linked true

PATH=$real_path
sed 's/^/# memd: /' "$scratch/memd.log" | tail -5
finish
