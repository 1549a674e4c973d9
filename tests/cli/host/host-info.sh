#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# host-info on the machine that builds: whatever it is.
. "$(dirname "$0")/../../lib/cli.sh"

says 0 "^This is " "it says what this machine is" host-info
says 0 "^xend .*" "xend is asked for" host-info
says 0 '"hypervisor": "' "and says so in JSON" --json host-info
says 0 '"works": true' "something of xl-ext works everywhere" host-info --json
says 2 "too many" "it takes no arguments" host-info here

order=$("$tool" host-info | grep -E '^(xend|libxl|qemu|containers) ' | cut -d' ' -f1 | tr '\n' ' ')
if [ "$order" = "xend libxl qemu containers " ]; then
    ok "toolstacks stand in the order that matters"
else
    not_ok "toolstacks stand in the order that matters"
    echo "# $order"
fi

# A machine that systemd knows must be known here by the same name.
if command -v systemd-detect-virt >/dev/null; then
    container=$(systemd-detect-virt --container)
    case $container in
    none) container=null ;;
    *) container="\"$container\"" ;;
    esac
    says 0 "\"container\": $container," "the container is what systemd-detect-virt finds" host-info --json
    hypervisor=$(systemd-detect-virt --vm)
    case $hypervisor in
    microsoft) hypervisor=hyper-v ;;
    oracle) hypervisor=virtualbox ;;
    amazon) hypervisor=kvm ;;
    esac
    says 0 "\"hypervisor\": \"$hypervisor\"," "the hypervisor is what systemd-detect-virt finds" host-info --json
else
    skip "the container is what systemd-detect-virt finds" "no systemd-detect-virt"
    skip "the hypervisor is what systemd-detect-virt finds" "no systemd-detect-virt"
fi
finish
