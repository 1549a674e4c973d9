# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Prepares what a machine is started from, in two folders of the cache:
#   $system  from Debian's packages: drive (squashfs of dom0's files), xen, vmlinuz, modules.cpio
#   $image   from the lab's own files: lab-relay (for the host), initramfs
# Each step makes its file by rename, so that a set-up that was interrupted goes on where it was.
# Needs no root beyond installing packages.

setup() {
    local started=$SECONDS done_something=
    system=$cache_dir/system-$(system_key)
    image=$cache_dir/boot-$(boot_key)
    if [ ! -e "$system/ready" ]; then
        if [ "$system_name" = plain ]; then
            run_steps "$system" packages tree drive boot_files
        else
            run_steps "$system" packages full_tree full_drive boot_files
        fi
    fi
    [ -e "$image/ready" ] || run_steps "$image" packages programs initramfs
    touch "$system/ready" "$image/ready" 2> /dev/null
    [ -z "$done_something" ] && return
    drop_old_images
    say "set-up done in $((SECONDS - started)) s, $(du -shc "$system" "$image" | tail -1 |
        cut -f1) in $cache_dir"
}

# Those of other recipes that nobody has used for a week.
drop_old_images() {
    find "$cache_dir" -mindepth 2 -maxdepth 2 -path '*/[bs][oy]*-*/ready' -mtime +7 -printf '%h\0' |
        xargs -0r rm -rf
}

# run_steps FOLDER STEP...
run_steps() {
    local folder=$1 lock step n=0
    shift
    setup_log=$folder/setup.log
    done_something=yes
    mkdir -p "$folder" || fail "cannot create $folder"
    exec {lock}> "$folder/lock"
    flock -n "$lock" || {
        say "another set-up is running, waiting for it"
        flock "$lock"
    }
    if [ ! -e "$folder/ready" ]; then
        : > "$setup_log"
        for step; do
            n=$((n + 1))
            step_label="set-up of ${folder##*/}, $n/$#:"
            "setup_$step" || {
                tail -n 20 "$setup_log" >&2
                fail "set-up failed at step '$step', see $setup_log"
            }
        done
        touch "$folder/ready"
    fi
    exec {lock}>&-
}

setup_packages() {
    "$project_dir/scripts/need-packages" lab
}

setup_programs() {
    local flags=(-std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra)
    say "$step_label compiling the lab's programs"
    gcc "${flags[@]}" -o "$image/lab-relay" "$lab_dir"/channel/{host,frame}.c >> "$setup_log" 2>&1 &&
        gcc "${flags[@]}" -static -o "$image/lab-runner" "$lab_dir"/channel/{dom0,frame}.c \
            >> "$setup_log" 2>&1
}

# The kernel reads several archives in a row as one.
setup_initramfs() {
    local root=$image/initramfs.tree
    say "$step_label making dom0's initramfs"
    rm -rf "$root"
    mkdir -p "$root/lab"
    cp "$lab_dir/image/initramfs-init" "$root/init"
    cp "$image/lab-runner" "$lab_dir"/image/{dom0-init,lab-pack,lab-unpack} "$root/lab/"
    [ "$system_name" = plain ] || cp "$lab_dir"/image/full/{dom0-init,lab-runner.service} "$root/lab/"
    pack_cpio "$root" > "$image/own.cpio" || return
    cat "$system/modules.cpio" "$image/own.cpio" > "$image/initramfs" || return
    rm -rf "$root" "$image/own.cpio"
}

pack_cpio() {
    (cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet)
}
