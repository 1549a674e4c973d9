#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What debian/ and the shipped configuration say, against the sources that they speak of.
. "$(dirname "$0")/../lib/cli.sh"

source=$(dirname "$0")/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# same NAME FILE FILE: both hold the same lines.
same() {
    if same_diff=$(diff "$2" "$3"); then ok "$1"; else not_ok "$1" "$same_diff"; fi
}

find "$source/libxl-plugins/balance" "$source/libxl-plugins/qmp" "$source/libxl-plugins/memd" -name '*.c' ! -name 'ranges*' \
    -exec sed -n 's/.*config_[a-z0-9]*\(_[a-z]*\)\?([a-z>-]*config, "\([a-z0-9_]*\)".*/\2/p' {} + | sort -u > "$work/read"
sed -n 's/^#\([a-z0-9_]*\) = .*/\1/p' "$source/libxl-plugins/memd/memd.cfg" | sort > "$work/shipped"
same "memd.cfg as it is shipped has the keys that memd reads" "$work/read" "$work/shipped"
grep '^\.BI\? [a-z0-9_]*=' "$source/docs/man/memd.cfg.5.in" | grep -o '[a-z0-9_]*=' | tr -d = | sort > "$work/told"
same "memd.cfg(5) tells of each" "$work/read" "$work/told"

sed -n 's/^VERSION *:= *//p' "$source/Makefile" > "$work/version"
sed -n '1s/.*(\(.*\)).*/\1/p' "$source/debian/changelog" > "$work/changelog"
same "the packages have the version of the program" "$work/version" "$work/changelog"

nm -D --defined-only "$BUILD/libxlx.so" | sed -n 's/.* T \(xlx_.*\)@@\(XLX_[0-9]*\)$/\1@\2/p' | sort > "$work/exported"
sed -n 's/^ \(xlx_[^ ]*\) .*/\1/p' "$source/debian/libxlx0.symbols" | sort > "$work/listed"
same "the symbols file lists what libxlx.so exports" "$work/exported" "$work/listed"

sed -n 's/^Build-Depends: debhelper-compat ([^)]*), //p' "$source/debian/control" | tr -d ' ' | tr ',' '\n' | sort > "$work/depends"
awk '/^\[/ { inside = $0 == "[deb]"; next } inside && /^[a-z]/' "$source/scripts/packages" | sort > "$work/section"
equal "" "$(comm -23 "$work/depends" "$work/section")" "a root for packages has what their build depends on"

# ---- the Xen that is built for ----

equal "" "$("$source/scripts/known-xen" 4.17 2>&1)$("$source/scripts/known-xen" 4.20 2>&1)" "a build for a Xen that was looked at says nothing"
"$source/scripts/known-xen" 4.2 2> "$work/said"
equal "$(grep -c '^#define XEN_' "$source/libxl-plugins/core/xen-version.h")" "$(grep -c '^    XEN_' "$work/said")" \
    "a build for another names each constant that may differ there"
command_says 0 "Xen 4\.2; .* 4\.17 4\.20" "and both versions" cat "$work/said"

# ---- make uninstall ----

mkdir -p "$work/made/etc/xl-ext" "$work/made/sbin" "$work/made/libexec/xl-ext/stubdom"
echo '# headroom' > "$work/made/etc/xl-ext/memd.cfg"
touch "$work/made/sbin/xl-ext" "$work/made/libexec/xl-ext/stubdom/init"
cp -a "$work/made" "$work/host"
touch "$work/host/sbin/other"
check "uninstall runs" "$source/scripts/uninstall" "$work/host" "$work/made"
equal "$work/host/sbin/other" "$(find "$work/host" -type f)" "it takes away what install put down, and nothing else"
equal "" "$(find "$work/host" -name 'xl-ext*')" "nor does it leave an empty folder"
cp -a "$work/made/." "$work/host"
echo 'headroom = 30' >> "$work/host/etc/xl-ext/memd.cfg"
check "it runs again" "$source/scripts/uninstall" "$work/host" "$work/made"
equal "headroom = 30" "$(tail -n 1 "$work/host/etc/xl-ext/memd.cfg")" "a memd.cfg that was changed stays"
finish
