# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Packages beside dom0's own, for the tests that need them (--extra NAME; image/extra/NAME lists them). They travel into
# dom0 with the run, so that its system drive and its snapshots are the same for all.

prepare_extra() {
    [ -n "$extra" ] || return 0
    extra_folder=$cache_dir/extra-$({
        echo "${system##*/}"
        cat "$lab_dir/image/extra/$extra" "$lab_dir/lib/extra.sh"
    } | key_of)
    if [ ! -e "$extra_folder/ready" ]; then
        find "$cache_dir" -mindepth 2 -maxdepth 2 -path "*/extra-*/ready" -mtime +7 -printf "%h\0" | xargs -0r rm -rf
        run_steps "$extra_folder" packages extra
    fi
    touch "$extra_folder/ready"
}

setup_extra() {
    local tree=$extra_folder/tree packages pattern
    packages=$(packages_of "$lab_dir/image/extra/$extra" | paste -sd,)
    say "$step_label unpacking the packages of $extra"
    rm -rf "$tree"
    mkdir -p "$extra_folder/tmp"
    # shellcheck disable=SC2016
    TMPDIR=$extra_folder/tmp mmdebstrap --mode=chrootless --variant=extract --include="$packages" \
        --setup-hook='mkdir -p "$1"/usr/bin "$1"/usr/sbin "$1"/usr/lib "$1"/usr/lib64' \
        --setup-hook='ln -s usr/bin usr/sbin usr/lib usr/lib64 "$1"' \
        "$release" "$tree" - < <(apt_sources "$release") >> "$setup_log" 2>&1 || return
    grep -v '^#' "$lab_dir/image/excludes" | while read -r pattern; do
        # shellcheck disable=SC2086 # the pattern is one
        rm -rf "$tree"/$pattern
    done
    remove_what_dom0_has "$tree" && rm -rf "$extra_folder/tmp"
}

remove_what_dom0_has() {
    (cd "$1" && find . ! -type d | cut -c2-) | LC_ALL=C sort |
        LC_ALL=C comm -12 - <(unsquashfs -l -d '' "$system/drive" 2>> "$setup_log" | LC_ALL=C sort) |
        sed "s|^|$1|" | xargs -rd '\n' rm -f &&
        find "$1" -mindepth 1 -type d -empty -delete
}

# Behind what is in the archive for dom0 already.
append_extra() {
    [ -n "$extra" ] || return 0
    append_in "$extra_folder/tree" -r
}
