#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# openrc.sh KIT: what "xl-ext agent-kit" wrote, unpacked in a root that has OpenRC, and its script run there. Changes the
# system it runs on: scripts/check-openrc runs it in a root of Debian that is thrown away, with a /dev of its own.
. "$(dirname "$0")/../lib/results.sh"

script=/etc/init.d/xl-ext-agent
# agents: how many run
agents() {
    agents_count=0
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/exe")" != /usr/local/sbin/xl-ext-agent ] || agents_count=$((agents_count + 1))
    done
    echo $agents_count
}
# within SECONDS WANTED: so many run by then
within() {
    within_end=$(($(date +%s) + $1))
    until [ "$(agents)" = "$2" ]; do
        [ "$(date +%s)" -lt $within_end ] || return 1
        sleep 0.2
    done
}

check "the kit is unpacked in the root" tar -xf "$1" -C /
mkdir -p /run/openrc
touch /run/openrc/softlevel
command_says 0 "added to runlevel sysinit" "rc-update knows the script" rc-update add xl-ext-agent sysinit
command_says 1 "not a Xen guest" "elsewhere than in a Xen guest it says so and starts nothing" $script start
mkdir -p /dev/xen
mkfifo /dev/xen/xenbus
check "it starts, though nothing provides a service dev" $script start
check "the agent runs" within 20 1
command_says 0 "started" "rc-service tells that it does" rc-service xl-ext-agent status
for process in /proc/[0-9]*; do
    [ "$(readlink "$process/exe")" != /usr/local/sbin/xl-ext-agent ] || kill -9 "${process#/proc/}"
done
check "one that is killed ends" within 20 0
check "and is started again" within 60 1
check "it stops" $script stop
check "and no agent is left" within 20 0
finish
