#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tool where the libraries it loads do not fit: on a host with another Xen, and beside another build.
. "$(dirname "$0")/../lib/cli.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XL_EXT_PLUGIN_PATH=/nonexistent

# A command that needs a library, but no Xen.
needs_library="mem-plan --from /nonexistent"

# ---- libraries of a Xen that is not installed ----

cp "$XL_EXT" "$work/xl-ext"
for library in libxlx.so.0 libxlx-xl.so; do
    LC_ALL=C sed 's/libxenctrl\.so\.4\.[0-9][0-9]/libxenctrl.so.9.99/g' "$BUILD/$library" > "$work/$library"
done
tool=$work/xl-ext
says 0 "  mem-set  " "help lists all commands without Xen's libraries" help
says 0 "usage: xl-ext mem-set" "help of a command shows its options" help mem-set
says 0 "^command.mem-set" "completion has its tables" help --tables
says 0 "This is a\|This machine" "host-info works" host-info
# shellcheck disable=SC2086
says 1 "libxlx.so.0, built for Xen [0-9.]*, cannot be loaded: libxenctrl.so.9.99" \
    "another command says in one sentence what is missing" $needs_library
[ "$(printf '%s\n' "$says_output" | wc -l)" = 1 ] && ok "and nothing else" || not_ok "and nothing else"
says 4 "." "memd tells who starts it that another try is in vain" memd
mkdir "$work/bin"
printf '#!/bin/sh\necho "xl runs $*"\n' > "$work/bin/xl"
chmod 755 "$work/bin/xl"
PATH=$work/bin:$PATH
says 0 "^xl runs list -l" "commands of xl are handed on" list -l
says 0 "^xl runs save web file" "also those that are looked at before" save web file

# ---- libraries of another build ----

another_build() {
    printf 'const char build_id[] = "another";\n' | ${CC:-gcc} -shared -fPIC -Wl,-soname,libxlx.so.0 -x c -o "$1" -
}
cp "$BUILD/libxlx-xl.so" "$BUILD/libxlx.so.0" "$work/"
# shellcheck disable=SC2086
says 2 "cannot open /nonexistent" "with the libraries of its own build the tool goes on" $needs_library
[ -e /proc/xen/capabilities ] || says 1 "does not run on Xen\|guest" "and memd's status is that of a failure" memd
another_build "$work/libxlx-xl.so"
# shellcheck disable=SC2086
says 1 "libxlx-xl.so is of another build" "a module of another build is refused" $needs_library
another_build "$work/libxlx.so.0"
# shellcheck disable=SC2086
says 1 "libxlx.so.0 is of another build" "and so is a library" $needs_library

# ---- where they may lie ----

cp "$BUILD/libxlx.so.0" "$BUILD/libxlx-xl.so" "$work/"
chmod 666 "$work/libxlx.so.0"
# shellcheck disable=SC2086
"$tool" $needs_library 2>&1 | grep -q "cannot open /nonexistent" && not_ok "a library that others may write is not taken" ||
    ok "a library that others may write is not taken"
chmod 644 "$work/libxlx.so.0"
chmod 777 "$work"
# shellcheck disable=SC2086
"$tool" $needs_library 2>&1 | grep -q "cannot open /nonexistent" && not_ok "nor one in a folder that others may write" ||
    ok "nor one in a folder that others may write"
chmod 755 "$work"
# shellcheck disable=SC2086
says 2 "cannot open /nonexistent" "the same library is taken where only its owner may write" $needs_library
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 4755 "$tool"
    # shellcheck disable=SC2086
    setpriv --reuid=65534 --regid=65534 --clear-groups "$tool" $needs_library 2>&1 | grep -q "cannot open /nonexistent" &&
        not_ok "a setuid program takes no library from beside it" || ok "a setuid program takes no library from beside it"
else
    skip "a setuid program takes no library from beside it" "needs root and setpriv"
fi
finish
