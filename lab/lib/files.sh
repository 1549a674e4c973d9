# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What goes into dom0 and what comes out: tar archives written raw on two drives whose contents are
# no part of a snapshot. (A drive carries hundreds of MB in seconds, a serial port would not.)

script_dir=/root/lab-script

# pack_in SCRIPT [FILE:PATH]...: the project's build, the files, and SCRIPT (if not empty), made executable.
pack_in() {
    local script=$1 item from to
    shift
    mkdir -p "$run/project" "$run/copies"
    install_project
    [ -z "$script" ] ||
        install -D -m 755 "$script" "$run/project/$script_dir/$(basename "$script")"
    for item; do
        from=${item%:*} to=${item##*:}
        [ -e "$from" ] || usage_error "there is no file '$from'"
        [[ $to == /* ]] || usage_error "the path in dom0 must be absolute, not '$to'"
        [[ $to == */ ]] && to=$to$(basename "$from")
        if [ -d "$from" ]; then
            mkdir -p "$run/project/$to"
            cp -a --reflink=auto "$from/." "$run/project/$to"
        else
            mkdir -p "$run/copies/$(dirname "$to")"
            ln -sf "$(readlink -f "$from")" "$run/copies/$to"
        fi
    done
    append_in "$run/project" -c && append_in "$run/copies" -rh && append_extra ||
        fail "cannot pack the files for dom0"
    rm -rf "$run/project" "$run/copies"
    [ "$(stat -c %s "$run/in")" -le "$drive_bytes" ] || fail "the files for dom0 are too large"
    truncate -s "$drive_bytes" "$run/in"
}

# append_in FOLDER TAR-OPTIONS: what is in FOLDER, not FOLDER itself, which would be dom0's root.
append_in() {
    find "$1" -mindepth 1 -maxdepth 1 -printf '%P\0' |
        tar "$2" -f "$run/in" --owner=0 --group=0 --numeric-owner -C "$1" --null -T -
}

install_project() {
    [ "$install" = yes ] && [ -f "$project_dir/Makefile" ] || return
    grep -q '^install:' "$project_dir/Makefile" || return
    if [ "$release" = "$own_release" ]; then
        put_project "$project_dir" "$run/project" >&2 || fail "the project's build failed"
    else
        install_for_release >&2 || fail "the project's build for $release failed"
    fi
}

# put_project TREE DESTDIR [RELEASE]: what TREE builds; in a root of RELEASE, when that is given.
put_project() {
    local goals=(install lab-install) elsewhere=() to=(--into "$2")
    [ $# -lt 3 ] || elsewhere=("$project_dir/scripts/in-release")
    if [ "$packages" = yes ]; then
        goals=(lab-install)
        [ "$system_name" = plain ] || to=(--copy-to "$2/root/packages")
        in_tree "$1" "${elsewhere[@]}" ${3:+--for deb "$3"} scripts/make-deb "${to[@]}" || return
    fi
    in_tree "$1" "${elsewhere[@]}" ${3:+"$3"} make -s "${goals[@]}" PREFIX=/usr/local DESTDIR="$2"
}

# in_tree TREE COMMAND...: one at a time.
in_tree() {
    (cd "$1" && flock Makefile env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "${@:2}")
}

# In a copy of the sources, by the compiler and with the libraries of that release; its root sees that copy alone.
install_for_release() {
    local tree=$project_dir made
    [[ $project_dir == */build/release/$release ]] || tree=$("$project_dir/scripts/release-tree" "$release") || return
    mkdir -p "$tree/build"
    made=$(mktemp -d "$tree/build/lab-XXXXXX") || return
    put_project "$tree" "$made" "$release" && cp -a "$made/." "$run/project"
    local status=$?
    rm -rf "$made"
    return "$status"
}

unpack_in() {
    relay --timeout 600 run /usr/lib/xl-ext-lab/lab-unpack > /dev/null ||
        console_tail "dom0 could not unpack the files given to it"
}

fetch_out() {
    local item from to i=0 paths=() status=0
    [ ${#fetches[@]} -gt 0 ] || return 0
    for item in "${fetches[@]}"; do
        paths+=("${item%:*}")
    done
    relay --timeout 600 run /usr/lib/xl-ext-lab/lab-pack "${paths[@]}" > /dev/null
    mkdir "$run/fetched"
    tar -xf "$run/out" -C "$run/fetched" 2> /dev/null
    for item in "${fetches[@]}"; do
        from=${item%:*} to=${item##*:}
        if [ -e "$run/fetched/$i" ]; then
            rm -rf "$to"
            mv "$run/fetched/$i" "$to" || status=1
        else
            say "nothing was fetched of $from"
            status=1
        fi
        i=$((i + 1))
    done
    return "$status"
}
