#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is done about missing packages: recorders stand in dpkg's and apt's place.
. "$(dirname "$0")/../lib/cli.sh"

# make check itself says that they are to be installed.
unset NEED_PACKAGES
need=$(dirname "$0")/../../scripts/need-packages
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RECORD="$work/record"
for program in awk dirname flock sh id mktemp rm cat env; do
    ln -s "$(command -v $program)" "$work/$program"
done
printf '#!/bin/sh\nfor p; do :; done\n[ "$p" = musl-tools ] && exit 1\nprintf "ii "\n' > "$work/dpkg-query"
printf '#!/bin/sh\necho "$*" >> "$RECORD"\n' > "$work/apt-get"
cp "$work/apt-get" "$work/sudo"
chmod 755 "$work/dpkg-query" "$work/apt-get" "$work/sudo"

# packages STATUS PATTERN NAME [VARIABLE=VALUE]: need-packages build
packages() {
    packages_out=$(env PATH="$work" ${4:+"$4"} sh "$need" build 2>&1) && packages_status=0 || packages_status=$?
    if [ $packages_status = "$1" ] && printf '%s\n' "$packages_out" | grep -q "$2" &&
        [ "$(printf '%s\n' "$packages_out" | wc -l)" = 1 ]; then
        ok "$3"
    else
        not_ok "$3"
        printf '%s\n' "exit status $packages_status: $packages_out" | sed 's/^/# /'
    fi
}

packages 1 "^missing packages: musl-tools .*make deps" "what is missing is named in one line, with what to do"
[ -e "$RECORD" ] && not_ok "and nothing is installed" || ok "and nothing is installed"
packages 0 "" "with NEED_PACKAGES=no nobody looks" NEED_PACKAGES=no
packages 0 "^installing Debian packages: musl-tools$" "with NEED_PACKAGES=install they are, after one line" NEED_PACKAGES=install
grep -q "install.* musl-tools$" "$RECORD" && ok "by apt" || not_ok "by apt"
rm "$work/dpkg-query" "$RECORD"
packages 0 "" "without dpkg nothing stands in the way"
packages 0 "no dpkg here" "and make deps says that it cannot help" NEED_PACKAGES=install
[ -e "$RECORD" ] && not_ok "without dpkg nothing is installed" || ok "without dpkg nothing is installed"

echo '$(error mode=$(NEED_PACKAGES).)' > "$work/stop.mk"
# mode GOAL: how make GOAL would call need-packages
mode() {
    # A second makefile stops make before it does anything.
    (cd "$root" && env -u NEED_PACKAGES -u MAKEFLAGS make -f Makefile -f "$work/stop.mk" "$1" 2>&1) | sed -n 's/^.*mode=\([a-z]*\)\..*/mode \1/p'
}
for goal in deps demo check; do
    [ "$(mode $goal)" = "mode install" ] && ok "make $goal installs" || not_ok "make $goal installs"
done
for goal in all install check-fast check-all bench lint clean; do
    [ "$(mode $goal)" = "mode " ] && ok "make $goal does not" || not_ok "make $goal does not"
done
finish
