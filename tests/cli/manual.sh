#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual, as it is installed, has a page for all that it should tell of; what it shows of C compiles. (That help,
# tables and prose say the same, and that mandoc and groff find nothing, is make lint's.)
. "$(dirname "$0")/../lib/cli.sh"

source=$(dirname "$0")/../..
pages=$BUILD/man
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

missing=$("$tool" help --tables | awk -F '\t' -v pages="$pages" '
    $1 == "command" && $6 !~ /hidden/ {
        page = pages "/xl-ext-" $2 "." ($2 == "memd" ? 8 : 1)
        if ((getline line < page) <= 0)
            print $2
        close(page)
    }')
equal "" "$missing" "each command has a page"
extra=$(for page in "$pages"/xl-ext-*.1; do
    name=${page##*/xl-ext-}
    "$tool" help "${name%.1}" > /dev/null 2>&1 || echo "${name%.1}"
done)
equal "" "$extra" "and no page tells of a command that is gone"
for page in xl-ext.1 xl-ext-memd.8 xl-ext-agent.8 memd.cfg.5 xl-ext-json.5 xlx.3; do
    check "$page is there" grep -q '^\.SH NAME$' "$pages/$page"
done
equal "" "$(grep -l '@[A-Z]*@' "$pages"/*)" "nothing is left to be filled in"
equal 1 "$(sed -n 's/^\.TH .* \([0-9-]*\) "xl\\-ext .*/\1/p' "$pages"/* | sort -u | grep -c '^20[0-9][0-9]-[01][0-9]-[0-3][0-9]$')" \
    "all pages are of one day"

# ---- what pages refer to ----

dead=$(cd "$source" && for page in README.md CONTRIBUTING.md docs/*.md docs/howto/*.md tests/README.md lab/README.md; do
    sed -n 's/](\([^)#]*\)[^)]*)/\n@\1\n/gp' "$page" | sed -n 's/^@//p' | grep -v '^[a-z]*:' | while read -r link; do
        [ -e "$(dirname "$page")/$link" ] || echo "$page: $link"
    done
done)
equal "" "$dead" "no link of a page leads nowhere"

# ---- xlx(3) ----

nm -D --defined-only "$BUILD/libxlx.so" | sed -n 's/.* T \(xlx_.*\)@@XLX_[0-9]*$/\1/p' > "$work/exported"
told=$(while read -r name; do grep -q "$name(" "$pages/xlx.3" && echo "$name"; done < "$work/exported" | wc -l)
declared=$(while read -r name; do grep -q "$name(" "$source/libxl-plugins/include/xlx.h" && echo "$name"; done < "$work/exported" | wc -l)
equal "$declared" "$told" "xlx(3) has each function that xlx.h declares and libxlx.so exports"
[ "$told" -gt 5 ] && ok "and there are some" || not_ok "and there are some" "$told"
awk '/^\.SH/ { example = /EXAMPLE/ } example && /^\.EE/ { exit } inside { print } example && /^\.EX/ { inside = 1 }' "$pages/xlx.3" |
    sed 's/\\e/\\/g; s/\\-/-/g; s/^\\&//' > "$work/example.c"
check "its example compiles" gcc -Wall -Wextra -Werror -I"$source/libxl-plugins/include" -o "$work/example" "$work/example.c" \
    -L"$BUILD" -lxlx -lxenlight -lxentoollog
status=0
LD_LIBRARY_PATH=$BUILD "$work/example" 2> "$work/errors" || status=$?
[ -e /proc/xen/capabilities ] || equal 1 "$status" "and fails in good order where no Xen is"
finish
