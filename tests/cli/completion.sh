#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion in bash: the real program's tables, and a list of domains that stands in for dom0's.
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/xl-ext" <<SH
#!/bin/sh
case \$1 in
    mem-list) printf 'Name ID\nDomain-0 0\nweb 1\nworker 2\n' ;;
    *) exec "$XL_EXT" "\$@" ;;
esac
SH
chmod +x "$folder/xl-ext"
PATH=$folder:$PATH
. "$(dirname "$0")/../../docs/completion/xl-ext.bash"

# completes NAME WANTED WORD...: the last word is completed; WANTED is all of the answer, in any order.
completes() {
    local name=$1 wanted=$2
    shift 2
    COMP_WORDS=(xl-ext "$@")
    COMP_CWORD=$#
    _xl_ext
    answer=$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')
    wanted=$(printf '%s\n' $wanted | sort | tr '\n' ' ')
    if [ "$answer" = "$wanted" ]; then
        ok "$name"
    else
        not_ok "$name"
        echo "# xl-ext $*: '$answer', wanted '$wanted'"
    fi
}

completes "commands come from the tables" "mem-set" mem-se
completes "help is completed with commands" "mem-set" help mem-se
completes "options of a command come from its table" "--force" mem-set --fo
completes "a domain is completed where one stands" "web worker" mem-set w
completes "also behind options with values" "web worker" mem-set -w -t 10 w
completes "and for the second pair" "worker" mem-set web +10 wo
completes "the value of an option is not taken for a domain" "" mem-set -t w
completes "options before the command are passed over" "mem-set" --json --timeout 5 mem-se
completes "a command that is not ours is left to xl" "" pause w
finish
