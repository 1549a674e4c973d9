#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion in bash and in zsh: the real program's tables, and a list of domains that stands in for dom0's.
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

source=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/xl-ext" << SH
#!/bin/sh
case \$1 in
    mem-list) printf 'Name ID\nDomain-0 0\nweb 1\nworker 2\nw\$(touch\${IFS}$folder/carried-out) 3\nw;reboot 4\n' ;;
    *) exec "$XL_EXT" "\$@" ;;
esac
SH
chmod +x "$folder/xl-ext"
PATH=$folder:$PATH

# What each shell completes the last of its arguments to, a word a line.
cat > "$folder/complete.bash" << SH
. "$source/docs/completion/xl-ext.bash"
COMP_WORDS=("\$@")
COMP_CWORD=\$((\$# - 1))
_xl_ext
printf '%s\n' "\${COMPREPLY[@]}"
SH
# As _bash_complete of zsh does; what compinit would look for in hundreds of files is not needed.
cat > "$folder/complete.zsh" << SH
compdef() { :; }
autoload -U +X bashcompinit && bashcompinit
source "$source/docs/completion/xl-ext.bash"
COMP_WORDS=("\$@")
(( COMP_CWORD = \$# - 1 ))
compgen -F _xl_ext -- "\${@[-1]}"
SH

# completes NAME WANTED WORD...: WANTED is all of the answer, in any order.
completes() {
    local name=$1 wanted answer
    wanted=$(printf '%s\n' $2 | sort | tr '\n' ' ')
    shift 2
    answer=$("${shell[@]}" xl-ext "$@" | sort | tr '\n' ' ')
    equal "${wanted# }" "${answer# }" "${shell[0]}: $name"
}

in_this_shell() {
    completes "commands come from the tables" "mem-set" mem-se
    completes "help is completed with commands" "mem-set" help mem-se
    completes "options of a command come from its table" "--force" mem-set --fo
    completes "a domain is completed where one stands" "web worker" mem-set w
    completes "also behind options with values" "web worker" mem-set -w -t 10 w
    completes "and for the second pair" "worker" mem-set web +10 wo
    completes "the value of an option is not taken for a domain" "" mem-set -t w
    completes "options before the command are passed over" "mem-set" --json --timeout 5 mem-se
    completes "a command that is not ours is left to xl" "" pause w
    check "${shell[0]}: what stands in a name is not carried out" test ! -e "$folder/carried-out"
}

shell=(bash "$folder/complete.bash")
in_this_shell
if ! command -v zsh > /dev/null; then
    skip zsh "no zsh"
    finish
fi
shell=(zsh -f "$folder/complete.zsh")
in_this_shell

# ---- as it is installed, at zsh's prompt ----

mkdir "$folder/bash" "$folder/zsh"
cp "$source/docs/completion/xl-ext.bash" "$folder/bash/xl-ext"
sed "s|@BASHCOMPDIR@|$folder/bash|" "$source/docs/completion/_xl-ext" > "$folder/zsh/_xl-ext"
cat > "$folder/type.zsh" << 'SH'
zmodload zsh/zpty
zpty prompt zsh -f -i
zpty -w prompt "fpath=($1 \$fpath); autoload -U compinit; compinit -D -u; PS1='ready> '"
zpty -r prompt answer '*ready> *'
zpty -w -n prompt $'xl-ext mem-ma\t'
zpty -r prompt answer '*mem-max*' && print completed
SH
check "zsh: at the prompt, where it is installed" \
    sh -c "timeout 60 zsh -f '$folder/type.zsh' '$folder/zsh' | grep -q '^completed'"
finish
