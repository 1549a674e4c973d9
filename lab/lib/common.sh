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

own_release=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
# Of dom0; an option of xen-lab sets another.
release=${XL_EXT_RELEASE:-$own_release}
system_name=plain

# dom0_packages: those of the release that dom0 is made of.
dom0_packages() {
    packages_of "$lab_dir/image/packages" all
    packages_of "$lab_dir/image/packages" "$release"
    [ "$system_name" = plain ] || packages_of "$lab_dir/image/full/packages"
}

# apt_sources RELEASE: the machine's own apt sources; for another release those of Debian, with its name. Two programs,
# because a file has either a line for each source or a paragraph.
apt_sources() {
    local lists=(/etc/apt/sources.list /etc/apt/sources.list.d/*.list) paragraphs=(/etc/apt/sources.list.d/*.sources)
    if [ "$1" = "$own_release" ]; then
        # One of the two kinds may be absent.
        cat "${lists[@]}" "${paragraphs[@]}" 2> /dev/null || :
        return
    fi
    awk -v own="$own_release" -v other="$1" '
        $1 == "deb" {
            suite = $2 ~ /^\[/ ? 3 : 2
            while (suite < NF && $suite !~ /:\/\// && $suite !~ /\]$/) suite++
            if ($suite ~ /\]$/) suite++
            if ($(++suite) ~ "^" own) { sub("^" own, other, $suite); print }
        }' "${lists[@]}" 2> /dev/null
    awk -v RS= -v own="$own_release" -v other="$1" '
        match($0, /(^|\n)Suites:[^\n]*/) {
            suites = substr($0, RSTART, RLENGTH)
            if (suites !~ "[ \t]" own) next
            rest = substr($0, RSTART + RLENGTH)
            before = substr($0, 1, RSTART - 1)
            gsub("[ \t]" own, " " other, suites)
            print before suites rest "\n"
        }' "${paragraphs[@]}" 2> /dev/null
}

# key_of: a short name for what stands on stdin.
key_of() {
    sha256sum | cut -c1-16
}

# A package whose candidate version changes makes a new system; what the tests bring along (xl-ext,
# lab-guest) is part of neither key.
system_key() {
    local packages
    mapfile -t packages < <(dom0_packages)
    {
        echo "$release"
        printf '%s\n' "${packages[@]}"
        cat "$lab_dir/image/excludes" "$lab_dir/lib/setup-system.sh"
        [ "$system_name" = plain ] || cat "$lab_dir/lib/setup-full.sh"
        # The versions of another release are not known to this machine: there a month makes a new system.
        if [ "$release" = "$own_release" ]; then
            apt-cache policy "${packages[@]}" 2> /dev/null | grep -E '^[^ ]|^ *Candidate:'
        else
            date +%Y-%m
        fi
    } | key_of
}

boot_key() {
    {
        echo "$system"
        cat "$lab_dir"/image/{initramfs-init,lab-pack,lab-unpack} "$lab_dir"/channel/* "$lab_dir"/lib/{setup,machine}.sh
        if [ "$system_name" = plain ]; then
            cat "$lab_dir/image/dom0-init"
        else
            cat "$lab_dir"/image/full/{dom0-init,lab-runner.service}
        fi
    } | key_of
}
