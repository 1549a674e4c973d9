#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hosts with different CPUs: what migrate-check says for every pair, and what happens to a program that uses AES or AVX2
# when its guest is saved on one host and restored on another. Runs on the build machine; boots six labs.
# timeout: 3000
cd "$(dirname "$0")/../../.." || exit 1
. tests/lib/live.sh

base=max,-smap,-rdtscp
here=tests/live/hosts

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
        case $step in restore:*) mv "$scratch/out/${step#*:}".*.save.gz "$scratch/in" ;; esac
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

# pair FROM TO STATUS MISSING: for PV and PVH guests
pair() {
    for type in pv pvh; do
        if [ "$3" = 0 ]; then wanted="may move"; else wanted="must not, for want of $4"; fi
        equal "$3 $4" "$(said "$1" "check $type $2")" "a $type guest of $1 to $2: $wanted"
    done
}

# ---- the strong host asks about the weak one, and saves its guests; the weak one restores them ----

boot weak "$base,-avx2" policy
boot strong "$base" policy guests check:weak check:strong save
pair strong strong 0 ""
pair strong weak 4 avx2
boot weak "$base,-avx2" guests check:strong check:weak save restore:strong
pair weak strong 0 ""
pair weak weak 0 ""
for type in pv pvh; do
    equal running "$(said strong "loop $type avx2")" "$type: the program with AVX2 runs on the strong host"
    equal "132" "$(said weak "restored $type avx2")" "$type: restored on the weak host it dies of SIGILL"
    equal running "$(said weak "restored $type aes")" "$type: the one with AES, which the weak host has, goes on"
done

# ---- and the other way ----

boot strong "$base" restore:weak
for type in pv pvh; do
    equal running "$(said weak "loop $type aes")" "$type: the program with AES runs on the weak host"
    equal running "$(said strong "restored $type aes")" "$type: restored on the strong host it goes on"
    equal 3 "$(said weak "loop $type avx2")" "$type: the weak host's guests are told that there is no AVX2"
done

# ---- two more hosts: one that lacks another thing, one that lacks both ----

boot other "$base,-aes" policy guests check:strong check:weak check:other
pair other strong 0 ""
pair other weak 4 avx2
pair other other 0 ""
boot weakest "$base,-aes,-avx2" policy guests check:strong check:weak check:other
pair weakest strong 0 ""
pair weakest weak 0 ""
pair weakest other 0 ""

# Files are enough for the rest: what a host gives its guests against another's most.
lacks() {
    build/xl-ext cpu-diff --json "$scratch/policies/$1.policy" "$scratch/policies/$2.policy" |
        jq -r '[.[] | select(.policy == "hvm_max" and .in_b == "missing").name] | join(" ")'
}
equal aesni "$(lacks weak other)" "weak to other lacks AES by their files: neither is the stronger"
equal avx2 "$(lacks other weak)" "other to weak lacks AVX2"
equal "aesni avx2" "$(lacks strong weakest)" "strong to weakest lacks both"
equal "" "$(lacks weakest strong)" "weakest to strong lacks nothing"
finish
