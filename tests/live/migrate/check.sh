#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# cpu-policy, migrate-check and migrate on one host: what decides, one thing at a time.
# live: core
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

# In place of ssh: this host plays the other one.
cat >"$scratch/ssh" <<'END'
#!/bin/sh
echo "$*" >>"$0.asked"
shift
exec sh -c "$*"
END
chmod +x "$scratch/ssh"
host=$scratch/host.raw
# QEMU's emulation sometimes raises #UD for AVX in guests with hardware support, which kills their init.
no_avx='cpuid="host,avx=0"'

# ---- policies ----

check "the host's policy, raw" sh -c "xl-ext cpu-policy --host --raw >$host"
check "the host's policy, JSON" sh -c "xl-ext cpu-policy --host --json >$scratch/host.json"
equal "pv_max hvm_max" "$(json '[.policies[].name] | join(" ")' <"$scratch/host.json")" "it has both maxima"
says 0 "no difference" "both forms are the same host" xl-ext cpu-diff "$host" "$scratch/host.json"
says 0 "no difference" "and it is this one" xl-ext cpu-diff "$host" localhost
at_end lab-guest destroy moving
at_end lab-guest destroy other
check "a PVH guest boots" lab-guest create pvh moving 128 128 "$no_avx"
check "its policy" sh -c "xl-ext cpu-policy moving >$scratch/moving.raw"
equal "domain" "$(sed -n 's/^kind //p' "$scratch/moving.raw")" "a domain's policy says so"
equal "pvh" "$(sed -n 's/^type //p' "$scratch/moving.raw")" "and of which type"
says 2 "is the policy of a domain" "it does not stand for a host" xl-ext migrate-check moving "$scratch/moving.raw"
flags=$(lab-guest exec moving awk -F: '/^flags/ { print $2; exit }' /proc/cpuinfo)
features=$(xl-ext cpu-policy --json moving | json '.policies[0].features | join(" ")')
# Linux 6.12 makes no use of xsave where there is no AVX, and shows none.
[ "$(xl info xen_minor)" = 17 ] && xsave=xsave:xsave || xsave=
for pair in aesni:aes avx2:avx2 sse4_2:sse4_2 popcnt:popcnt bmi1:bmi1 pclmulqdq:pclmulqdq $xsave smap:smap avx512f:avx512f; do
    case " $features " in *" ${pair%:*} "*) ours=yes ;; *) ours=no ;; esac
    case " $flags " in *" ${pair#*:} "*) guest=yes ;; *) guest=no ;; esac
    equal "$guest" "$ours" "the guest itself sees the same of ${pair%:*}: $guest"
done

# ---- yes ----

says 0 "cpu *yes *the other host has every feature" "to a host like this: yes" xl-ext migrate-check moving "$host"
says 0 "moving (pvh) to elsewhere .*: may move" "asked by ssh: yes" xl-ext migrate-check -s "$scratch/ssh" moving elsewhere
check "the host was asked as xl migrate would" grep -q "^elsewhere xl-ext cpu-policy --host --raw" "$scratch/ssh.asked"
equal true "$(xl-ext migrate-check --json moving "$host" | json .may_move)" "JSON says so too"

# ---- no, and why ----

# verdict SUBJECT: of the last check
verdict() {
    xl-ext migrate-check --json "$1" "$2" | json "[.checks[] | select(.subject == \"$3\").verdict] | unique | join(\" \")"
}

# bit 25 of leaf 1's ECX
python3 -c 'import sys
for line in sys.stdin:
    f = line.split(" ")
    if f[:3] == ["leaf", "00000001", "ffffffff"]:
        f[5] = "%08x" % (int(f[5], 16) & ~(1 << 25))
    sys.stdout.write(" ".join(f))' <"$host" >"$scratch/noaes"
says 4 "lacks what the guest has: .*aesni" "without AES: no, by name" xl-ext migrate-check moving "$scratch/noaes"
equal aesni "$(xl-ext migrate-check --json moving "$scratch/noaes" | json '.missing_features | join(" ")')" "nothing else is missing"
minor=$(sed -n 's/^xen 4\.\([0-9]*\).*/\1/p' "$host")
xen_becomes() { sed "s/^xen 4\.$minor/xen 4.$1/" "$host"; }
xen_becomes $((minor - 1)) >"$scratch/older"
says 4 "older than" "to an older Xen: no" xl-ext migrate-check moving "$scratch/older"
xen_becomes $((minor + 1)) >"$scratch/newer"
says 0 "next version, not back" "to the next Xen: yes, with a remark" xl-ext migrate-check --json moving "$scratch/newer"
xen_becomes $((minor + 2)) >"$scratch/newest"
says 4 "next version only" "across several: no" xl-ext migrate-check moving "$scratch/newest"
sed 's/^memory .*/memory 65536 0/' "$host" >"$scratch/full"
says 4 "memory *NO *it needs .* MiB, only 64 MiB are free" "to a full host: no" xl-ext migrate-check moving "$scratch/full"
sed 's/^memory .*/memory 65536 1000000/' "$host" >"$scratch/tight"
says 0 "memd can free" "to a host where memd can make room: yes" xl-ext migrate-check moving "$scratch/tight"
at_end lab-guest destroy bound
check "a guest that is bound to CPU 0 boots" lab-guest create pvh bound 96 96 "$no_avx" 'cpus="0"'
says 0 "placement *yes" "to a host with that CPU: yes" xl-ext migrate-check bound "$host"
sed 's/^pool 0 [^ ]*/pool 0 1-3/' "$host" >"$scratch/cpus"
says 4 "placement *NO *vCPU 0 may run on CPU 0 only" "to a host without it: no" xl-ext migrate-check bound "$scratch/cpus"
says 0 "placement *yes" "a guest that may run anywhere: yes" xl-ext migrate-check moving "$scratch/cpus"
sed '/^pool /d; /^end/d' "$host" >"$scratch/nopools"
echo "end $(wc -l <"$scratch/nopools")" >>"$scratch/nopools"
equal remark "$(verdict bound "$scratch/nopools" placement)" "when the host does not tell: a remark"
lab-guest destroy bound
sed '/^policy hvm_max/,/^end/ { /^policy/d; /^leaf/d; /^msr/d }' "$host" | sed '/^end/d' >"$scratch/pvonly"
echo "end $(wc -l <"$scratch/pvonly")" >>"$scratch/pvonly"
says 4 "no pvh guests" "to a host without HVM: no" xl-ext migrate-check moving "$scratch/pvonly"
head -40 "$host" >"$scratch/cut"
says 2 "cut off" "a file that was cut" xl-ext migrate-check moving "$scratch/cut"
says 2 "no CPU policy" "a wrong file" xl-ext migrate-check moving /etc/passwd
says 1 "there is no domain" "a guest that is not there" xl-ext migrate-check nobody "$host"
says 1 "cannot move" "dom0" xl-ext migrate-check 0 "$host"
check "the guest is paused" xl pause moving
says 0 "it is paused" "a paused guest: a remark" xl-ext migrate-check moving "$host"
check "the guest goes on" xl unpause moving

truncate -s 1M "$scratch/disk"
lab-guest destroy moving
check "a guest with a disk and nomigrate boots" lab-guest create pvh moving 128 128 "$no_avx" 'nomigrate=1' \
    "disk=['format=raw,vdev=xvdb,access=ro,target=$scratch/disk']"
says 4 "nomigrate is set" "nomigrate is a no" xl-ext migrate-check moving "$host"
equal remark "$(verdict moving "$host" disks)" "a disk that the file says nothing of is a remark"
check "a file that tells of the disk" sh -c "xl-ext cpu-policy --host --path $scratch/disk >$scratch/with"
equal yes "$(verdict moving "$scratch/with" disks)" "a disk that is there is a yes"
sed "s|^path yes|path no|" "$scratch/with" >"$scratch/without"
equal no "$(verdict moving "$scratch/without" disks)" "a disk that is not there is a no"

# ---- device models ----

at_end xl destroy modelled
printf '%s\n' 'name = "modelled"' 'type = "hvm"' 'memory = 64' 'vnc = 0' >"$scratch/hvm.cfg"
check "an HVM guest is made" xl create -p "$scratch/hvm.cfg"
equal yes "$(verdict modelled "$host" model)" "its device model runs and can be saved"
model=$(xenstore-read "/local/domain/$(xl domid modelled)/image/device-model-pid")
kill -STOP "$model"
says 4 "its device model is stopped" "one that is stopped is a no" xl-ext migrate-check modelled "$host"
kill -CONT "$model"
xl destroy modelled

# ---- migrate ----

: >"$scratch/ssh.asked"
says 4 "nomigrate is set" "migrate shows the check's no" xl-ext migrate -s "$scratch/ssh" moving elsewhere
equal "" "$(grep migrate-receive "$scratch/ssh.asked")" "and xl is not called"
says 4 "stays here" "and says that the guest stays" xl-ext migrate -s "$scratch/ssh" moving elsewhere
says 2 "migrate needs a host" "migrate to a file" xl-ext migrate moving "$host"
says 4 "lacks" "a file checks in place of the host" xl-ext migrate --policy "$scratch/noaes" moving elsewhere
domid=$(xl domid moving)
says 0 "Migration successful" "--force migrates it all the same" xl-ext migrate --force -s "$scratch/ssh" moving elsewhere
if [ "$(xl domid moving)" -gt "$domid" ]; then
    ok "it runs as another domain"
else
    not_ok "it runs as another domain" "$(xl list)"
fi
check "and answers" lab-guest wait moving
at_end lab-guest destroy paravirtual
check "a PV guest boots" lab-guest create pv paravirtual 128 128
says 0 "without shadow paging" "Xen cannot move a running PV guest: a remark" xl-ext migrate-check paravirtual "$host"
: >"$scratch/ssh.asked"
says 4 "stays here" "and migrate leaves it here" xl-ext migrate -s "$scratch/ssh" paravirtual elsewhere
equal "" "$(grep migrate-receive "$scratch/ssh.asked")" "without asking xl"
check "a guest that may move boots" lab-guest create pvh other 128 128 "$no_avx"
domid=$(xl domid other)
says 0 "Migration successful" "migrate without --force moves what may move" xl-ext migrate -s "$scratch/ssh" other elsewhere
check "it answers on the other side" lab-guest wait other
finish
