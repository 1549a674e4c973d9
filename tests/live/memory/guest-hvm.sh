#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-set, mem-list and mem-info on a HVM Linux guest.
# timeout: 1000
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/../../lib/memory-guest.sh"

memory_guest_tests hvm 44
finish
