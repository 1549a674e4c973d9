#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hosts with different CPUs: what migrate-check says for every pair, and what happens to a program that uses AES or AVX2
# when its guest is saved on one host and restored on another. Runs on the build machine; boots six labs.
# timeout: 3000
cd "$(dirname "$0")/../../.." || exit 1
. tests/lib/live.sh

base=max,-smap,-rdtscp
here=tests/live/outside

check "the program that uses AES and AVX2 is built" gcc -O1 -static -nostdlib -ffreestanding \
    -fno-stack-protector -s -o "$scratch/cpu-loop" $here/cpu-loop.c
mkdir "$scratch/out" "$scratch/policies"

# boot NAME FLAGS STEP...: a host; what its steps leave in /root/out comes back, what they say goes to $scratch/NAME.log
boot() {
    name=$1 flags=$2
    shift 2
    rm -rf "$scratch/in"
    mkdir "$scratch/in"
    cp "$scratch/cpu-loop" "$scratch/in"
    cp -r "$scratch/policies" "$scratch/in"
    for step; do
        case $step in restore:*) cp "$scratch/out/${step#*:}".*.save.gz "$scratch/in" ;; esac
    done
    # shellcheck disable=SC2086 # the steps are words
    lab/xen-lab run --cpu "$flags" --timeout 700 --copy "$scratch/in:/root/in" --fetch "/root/out:$scratch/got" \
        $here/moving-in-dom0 "$name" "$@" >"$scratch/$name.log" 2>&1
    status=$?
    if [ $status = 0 ]; then
        ok "host $name ($flags) ran: $*"
    else
        not_ok "host $name ($flags) ran: $*" "exit status $status" "$(tail -30 "$scratch/$name.log")"
    fi
    cp "$scratch"/got/*.policy "$scratch/policies/" 2>/dev/null
    mv "$scratch"/got/*.save.gz "$scratch/out/" 2>/dev/null
    rm -rf "$scratch/got"
}

# said NAME KEY: what a step said, "KEY VALUE"
said() {
    sed -n "s/^said $2 //p" "$scratch/$1.log" | tail -1
}

# pair TYPE FROM TO MISSING
pair() {
    if [ -z "$4" ]; then wanted="0 " text="may move"; else wanted="4 $4" text="must not, for want of $4"; fi
    equal "$wanted" "$(said "$2" "check $1 $3")" "a $1 guest of $2 to $3: $text"
}

# ---- three hosts: one that has all, one without AVX2, one without AES; the last two are incomparable ----

boot weak "$base,-avx2" policy
boot other "$base,-aes" policy
boot strong "$base" policy guests check:strong check:weak check:other save
pair pv strong strong ""
pair pvh strong strong ""
pair pv strong weak "avx2 vaes"
pair pvh strong weak "" # it has no AVX to lose
pair pv strong other "aesni vaes"
pair pvh strong other aesni
for type in pv pvh; do
    equal running "$(said strong "loop $type aes")" "$type: the program with AES runs on the strong host"
done
equal running "$(said strong "loop pv avx2")" "pv: the program with AVX2 too"

boot weak "$base,-avx2" guests check:strong check:weak check:other save restore:strong
pair pv weak weak ""
pair pvh weak weak ""
pair pv weak strong ""
pair pvh weak strong ""
pair pv weak other aesni
pair pvh weak other aesni
equal running "$(said weak "restored pvh aes of strong")" "pvh: from strong to weak the program with AES, which weak has, goes on"
case $(said weak "restored pv avx2 of strong") in
132 | "init died of SIGILL") ok "pv: from strong to weak AVX2 is lost: $(said weak "restored pv avx2 of strong")" ;;
*) not_ok "pv: from strong to weak AVX2 is lost" "$(said weak "restored pv avx2 of strong")" ;;
esac

boot other "$base,-aes" guests check:strong check:weak check:other save restore:strong
pair pv other other ""
pair pvh other other ""
pair pv other strong ""
pair pvh other strong ""
pair pv other weak avx2
pair pvh other weak ""
for type in pv pvh; do
    equal 132 "$(said other "restored $type aes of strong")" "$type: from strong to other the program with AES dies of SIGILL"
    equal 3 "$(said other "loop $type aes")" "$type: a guest made there is told that there is no AES"
done
equal running "$(said other "restored pv avx2 of strong")" "pv: the one with AVX2, which other has, goes on"

# ---- the other way: from the weak hosts to the strong one ----

boot strong "$base" restore:weak restore:other
for type in pv pvh; do
    equal running "$(said strong "restored $type aes of weak")" "$type: the program with AES of weak goes on on the strong host"
done
equal running "$(said strong "restored pv avx2 of other")" "pv: the one with AVX2 of other goes on there too"

# ---- the files alone say the same ----

lacks() {
    build/xl-ext cpu-diff --json "$scratch/policies/$1.policy" "$scratch/policies/$2.policy" |
        jq -r '[.[] | select(.policy == "hvm_max" and .in_b == "missing").name] | join(" ")'
}
equal aesni "$(lacks weak other)" "weak to other lacks AES by their files: neither is the stronger"
equal avx2 "$(lacks other weak)" "other to weak lacks AVX2"
equal "" "$(lacks weak strong)$(lacks other strong)$(lacks strong strong)" "to the strong one nothing is lacking"
finish
