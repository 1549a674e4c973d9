#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# cpu-diff and its parsers on files, and on answers of another host; needs no Xen.
. "$(dirname "$0")/../../lib/cli.sh"

corpus=$(dirname "$0")/../../fuzz/corpus/cpu_policy
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
host=$corpus/host.raw

says 0 "no difference" "both forms of one host are the same" cpu-diff "$host" "$corpus/host.json"
output=$("$tool" cpu-diff --json "$host" "$corpus/host.json")
if [ "$(printf %s "$output" | tr -d " \n")" = "[]" ]; then ok "no difference is an empty list in JSON"; else not_ok "no difference is an empty list in JSON"; fi

# A host without AES: bit 25 of leaf 1, ecx.
sed 's/^\(leaf 00000001 ffffffff [0-9a-f]* [0-9a-f]*\) f6/\1 f4/' "$host" >"$scratch/weak"
says 0 "pv_max *feature *aesni *0x00000001.ecx *yes *no *missing" "a feature that B lacks is missing, by name" \
    cpu-diff "$host" "$scratch/weak"
says 0 "hvm_max *feature *aesni .*no *yes *extra" "and extra the other way round" cpu-diff "$scratch/weak" "$host"
says 0 '"name": "aesni"' "the same in JSON" cpu-diff --json "$host" "$scratch/weak"

bad() {
    says 2 "$1" "$2" cpu-diff "$3" "$host"
}
bad "No such file" "a file that is not there" "$scratch/none"
bad "no CPU policy" "a wrong file" "$0"
bad "no CPU policy\|NUL bytes" "a program" /bin/sh
bad "it is empty" "an empty file" /dev/null
bad "cut off" "a folder's worth of nothing" "$(head -20 "$host" >"$scratch/cut" && echo "$scratch/cut")"
head -c 3000 "$corpus/host.json" >"$scratch/cut.json"
bad "is not usable: " "JSON that was cut" "$scratch/cut.json"
sed 's/^xen .*/xen 4.11.4/' "$host" >"$scratch/old"
bad "Xen 4.11.4, which cannot tell" "a file of a Xen that is too old" "$scratch/old"
sed 1s/1/7/ "$host" >"$scratch/format"
bad "format 7, written by another version" "a file of another format" "$scratch/format"
says 2 "is not usable\|cannot read" "a folder" cpu-diff "$scratch/" "$host"

# ---- another host, by a command in place of ssh ----

cat >"$scratch/ssh" <<END
#!/bin/sh
# in place of ssh: says what it was asked, answers for host "strong"
echo "\$*" >>"$scratch/asked"
case \$1 in
strong) cat "$host" ;;
liar) echo "last login: yesterday"; cat "$host" ;;
half) head -30 "$host" ;;
deaf) exec sleep 60 ;;
flood) exec cat /dev/zero ;;
away) exit 255 ;;
bare) exit 127 ;;
esac
END
chmod +x "$scratch/ssh"
says 0 "aesni" "a host is asked by the command given with -s" cpu-diff -s "$scratch/ssh" strong "$scratch/weak"
if grep -qx "strong xl-ext cpu-policy --host --raw" "$scratch/asked"; then
    ok "it is asked for its policy as a host"
else
    not_ok "it is asked for its policy as a host"
    sed 's/^/# /' "$scratch/asked"
fi
says 1 "answer of host liar is not usable" "an answer with something in front" cpu-diff -s "$scratch/ssh" liar "$host"
says 1 "answer of host half is not usable: it is cut off" "an answer that was cut" cpu-diff -s "$scratch/ssh" half "$host"
says 1 "longer than" "an answer without end" cpu-diff -s "$scratch/ssh" flood "$host"
says 1 "ssh does not get there" "a host that cannot be reached" cpu-diff -s "$scratch/ssh" away "$host"
says 1 "there is no xl-ext there" "a host without xl-ext" cpu-diff -s "$scratch/ssh" bare "$host"
says 3 "did not answer in time" "a host that does not answer" cpu-diff --timeout 300ms -s "$scratch/ssh" deaf "$host"
says 2 "no name of a host" "a host that is an option of ssh" cpu-diff -s "$scratch/ssh" host:-oProxyCommand=x "$host"
says 2 "give a file" "no command for ssh" cpu-diff -s "" strong "$host"
says 1 "does not run on Xen\|dom0" "a domain, where there are none" cpu-diff domain:web "$host"
finish
