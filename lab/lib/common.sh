# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Names and small helpers that every part of xen-lab uses.

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
project_dir=$(dirname "$lab_dir")
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/xl-ext/lab

say() {
    printf 'xen-lab: %s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 125
}

# packages_of FILE [SECTION]: the package names in FILE (of [SECTION] when given).
packages_of() {
    awk -v section="[${2-}]" '
        /^#/ || /^$/ { next }
        /^\[/ { inside = $0 == section; next }
        inside || section == "[]" { print $1 }' "$1"
}

# key_of: a short name for what stands on stdin.
key_of() {
    sha256sum | cut -c1-16
}

# A package whose candidate version changes makes a new system; what the tests bring along (xl-ext,
# lab-guest) is part of neither key.
system_key() {
    local packages
    mapfile -t packages < <(packages_of "$lab_dir/image/packages")
    {
        cat "$lab_dir"/image/{packages,excludes} "$lab_dir/lib/setup-system.sh"
        apt-cache policy "${packages[@]}" 2> /dev/null | grep -E '^[^ ]|^ *Candidate:'
    } | key_of
}

boot_key() {
    {
        echo "$system"
        cat "$lab_dir"/image/{initramfs-init,dom0-init,lab-pack,lab-unpack} "$lab_dir"/channel/* \
            "$lab_dir"/lib/{setup,machine}.sh
    } | key_of
}
