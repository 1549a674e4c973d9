#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xenstored ends while commands wait for a guest: each says so in one sentence and ends with 1. A boot of its own, because
# nothing in dom0 works after it.
# live: core
# timeout: 400

. tests/lib/live.sh

cat > "$scratch/in-dom0" << 'END'
#!/bin/sh
lab-puppet start slow 256 256 rate=200 || exit 125
xl-ext mem-set -w -t 120 slow 200 > /root/set.out 2>&1 &
set=$!
xl-ext mem-watch slow > /root/watch.out 2>&1 &
watch=$!
until xenstore-exists "/local/domain/$(xl domid slow)/memory/target" &&
    [ "$(xenstore-read "/local/domain/$(xl domid slow)/memory/target")" = 204800 ]; do sleep 0.1; done
kill -9 "$(pidof xenstored || pidof oxenstored)"
wait "$set"
echo "set $?"
wait "$watch"
echo "watch $?"
for command in "mem-list" "mem-set slow 190" "mem-info slow"; do
    timeout 30 xl-ext $command > "/root/after" 2>&1
    echo "after $? $(wc -l < /root/after) $(cat /root/after)"
done
sed 's/^/said by set: /' /root/set.out
sed 's/^/said by watch: /' /root/watch.out
END
timeout 350 lab/xen-lab run --timeout 200 "$scratch/in-dom0" > "$scratch/out" 2> "$scratch/err"
equal 0 $? "the run in dom0 comes to its end: nothing hangs" || tail "$scratch/err"
said=$(cat "$scratch/out")
echo "$said" | sed 's/^/# /'
check "mem-set -w ends with 1" grep -qx "set 1" "$scratch/out"
check "it says that xenstored is gone, and how far it was" grep -q "said by set: .*connection to xenstored is lost" "$scratch/out"
check "mem-watch ends with 1" grep -qx "watch 1" "$scratch/out"
check "it says so too" grep -q "said by watch: .*xenstored" "$scratch/out"
equal 3 "$(grep -c "^after 1 1 xl-ext: .*xenstore" "$scratch/out")" "later commands say in one sentence that xenstored is not there"
finish
