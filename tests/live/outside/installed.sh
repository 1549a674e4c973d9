#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Debian packages on a host as it is: dpkg's database, systemd as process 1, a running Xen. Installed, upgraded from the
# packages of an earlier commit while memd runs, removed, purged; memd as a service while xenstored is away, and beside
# xendomains.
# timeout: 3000

. tests/lib/live.sh

# An upgrade starts from what an administrator may have: the packages of this commit, whose version is made lower than any other,
# and whose memd.cfg lacks what came later.
earlier=9c5ab0b
release=${XL_EXT_RELEASE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
folder=$PWD/build/deb-earlier/$release-$earlier

make_earlier() {
    local in_release=()
    [ "$release" = "$(. /etc/os-release && echo "$VERSION_CODENAME")" ] || in_release=("$PWD/scripts/in-release" --for deb "$release")
    rm -rf "$folder"
    mkdir -p "$folder/xl-ext"
    git -C "$(git rev-parse --show-toplevel)" archive "$earlier" | tar -x -C "$folder/xl-ext" &&
        sed -i 's/^BUILT_ON .*/BUILT_ON := deb0/' "$folder/xl-ext/debian/rules" &&
        sed -i '/qmp_version/d' "$folder/xl-ext/libxl-plugins/memd/memd.cfg" &&
        (cd "$folder/xl-ext" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "${in_release[@]}" scripts/make-deb) &&
        mv "$folder/xl-ext/build/deb/$release"/{xl-ext,libxlx0}_*.deb "$folder/" &&
        rm -rf "$folder/xl-ext"
}

if ! git cat-file -e "$earlier^{commit}" 2> /dev/null; then
    skip "packages on a full system" "this is no clone with the history of xl-ext"
    finish
fi
if ! ls "$folder"/*.deb > /dev/null 2>&1; then
    check "packages of an earlier commit are made" make_earlier
fi
printf '#!/bin/sh\nexec /root/tests/live/outside/installed-in-dom0\n' > "$scratch/host"
lab/xen-lab run --system full --packages --copy "$folder:/root/earlier" --copy tests:/root/tests "$scratch/host" > "$scratch/out" 2> "$scratch/err"
status=$?
cat "$scratch/out"
equal 0 "$status" "all of that held" || tail -n 20 "$scratch/err"
finish
