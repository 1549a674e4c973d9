#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# live: core
# timeout: 900
# The lab itself, from outside: what a run passes in and out, and how it ends.

. tests/lib/live.sh
lab=lab/xen-lab
PATH=$PATH:/usr/sbin

cat > "$scratch/all" << 'END'
#!/bin/bash
printf 'a\r\n\0\377b'
seq 1 50000
date +%s > /root/clock
printf '<%s>' "$@" > /root/arguments
sha256sum < /in/some/blob > /root/blob.sum
[ -x /in/some/blob ] && echo executable >> /root/blob.sum
echo "this is stderr" >&2
[ -z "$(cat)" ] && yes | head -n 1 > /dev/null
echo "pipe: ${PIPESTATUS[0]}" >> /root/blob.sum
mkdir /root/folder
ln -s ../clock /root/folder/link
exit 7
END
{
    printf 'a\r\n\0\377b'
    seq 1 50000
} > "$scratch/wanted"
head -c 3000000 /dev/urandom > "$scratch/blob"
chmod 755 "$scratch/blob"

"$lab" run --no-install --copy "$scratch/blob:/in/some/" --fetch "/root/arguments:$scratch/arguments" \
    --fetch "/root/clock:$scratch/clock" --fetch "/root/blob.sum:$scratch/blob.sum" \
    --fetch "/in/some/blob:$scratch/blob.back" --fetch "/root/missing:$scratch/missing" \
    --fetch "/root/folder:$scratch/folder" \
    "$scratch/all" one '' 'two words' $'new\nline' '*' > "$scratch/out" 2> "$scratch/err"
status=$?
now=$(date +%s)
equal 7 "$status" "run exits with the script's exit status, also when a file to fetch is missing"
check "stdout carries the script's stdout byte for byte" cmp "$scratch/wanted" "$scratch/out"
check "stderr carries the script's stderr" grep -qx "this is stderr" "$scratch/err"
check "a file that is not there to fetch is named" grep -q "/root/missing" "$scratch/err"
equal "<one><><two words><new
line><*>" "$(cat "$scratch/arguments")" "arguments arrive as given"
equal "$(sha256sum < "$scratch/blob")
executable
pipe: 141" "$(cat "$scratch/blob.sum")" "a copied file arrives whole and executable; stdin is empty; SIGPIPE works"
check "a fetched file arrives whole" cmp "$scratch/blob" "$scratch/blob.back"
check "a folder is fetched" test -f "$scratch/folder/link"
clock=$(cat "$scratch/clock")
check "dom0's clock is the host's" test "$((now - clock))" -ge -2 -a "$((now - clock))" -le 120

cat > "$scratch/slow" << 'END'
#!/bin/sh
echo started
echo kept > /root/kept
sleep 1000
END
"$lab" run --no-install --timeout 3 --fetch "/root/kept:$scratch/kept" "$scratch/slow" > "$scratch/out" \
    2> "$scratch/err"
equal 124 "$?" "a script that runs past --timeout makes run exit 124"
equal started "$(cat "$scratch/out")" "what it wrote before has arrived"
equal kept "$(cat "$scratch/kept")" "files are fetched after a time-out"

says 2 "no script" "a script that is missing is refused" "$lab" run "$scratch/nothing"
says 2 "positive whole number" "a memory size that is no number is refused" "$lab" run --mem lots "$scratch/slow"
says 2 "unknown option" "an unknown option is refused" "$lab" run --turbo "$scratch/slow"
finish
