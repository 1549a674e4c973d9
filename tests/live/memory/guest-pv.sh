#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-set, mem-list and mem-info on a PV Linux guest.
# live: core
# timeout: 240
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/../../lib/memory-guest.sh"

memory_guest_tests pv 0 0
finish
