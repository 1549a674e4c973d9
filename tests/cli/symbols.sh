#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What libxlx.so shows to others, and what the programs take from others.
. "$(dirname "$0")/../lib/cli.sh"

library=$BUILD/libxlx.so
# none NAME LIST: the list is empty.
none() {
    if [ -z "$2" ]; then
        ok "$1"
    else
        not_ok "$1"
        printf '%s\n' "$2" | sed 's/^/# /'
    fi
}

exported=$(nm -D --defined-only "$library" | awk '{ print $3 }' | sed -n 's/@@XLX_[0-9]*$//p')
none "what libxlx.so exports besides xlx_* is private to its build" \
    "$(nm -D --defined-only "$library" | grep -v -e '@@XLX_PRIVATE$' -e ' xlx_[a-z0-9_]*@@XLX_[0-9]*$' -e ' A XLX_')"
headers=$(dirname "$0")/../../libxl-plugins/include
missing=
for name in $(sed -n 's/^XLX_API .*[ *]\(xlx_[a-z0-9_]*\)(.*/\1/p' "$headers"/*.h); do
    printf '%s\n' "$exported" | grep -qx "$name" || missing="$missing $name"
done
none "every function of the public headers is there" "$missing"
undeclared=
for name in $(printf '%s\n' "$exported" | grep '^xlx_'); do
    grep -qw "$name" "$headers"/*.h || undeclared="$undeclared $name"
done
none "every symbol that is there is declared in one of them" "$undeclared"
[ "$(printf '%s\n' "$exported" | grep -c '^xlx_')" -ge 10 ] && ok "there are some" || not_ok "there are some"
case $(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }') in
    libxlx.so.[0-9]*) ok "the library has a version in its name" ;;
    *) not_ok "the library has a version in its name" ;;
esac
none "no hidden symbol of libxl is used" \
    "$(for file in "$library" "$XL_EXT" "$BUILD/libxlx-xl.so"; do nm -D --undefined-only "$file" | grep libxl__; done)"
needed() {
    objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }'
}
none "the tool links no library of Xen" "$(needed "$XL_EXT" | grep '^libx')"
none "memory commands do without libxl" "$(needed "$library" | grep -e libxenlight -e libxlutil -e libxenguest)"
finish
