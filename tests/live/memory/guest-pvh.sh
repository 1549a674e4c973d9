#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-set, mem-list and mem-info on a PVH Linux guest.
# live: core
# timeout: 300
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/../../lib/memory-guest.sh"

memory_guest_tests pvh 64 56
finish
