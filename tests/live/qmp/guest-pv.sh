#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The QMP balloon of a PV Linux guest.
# live: core
# timeout: 300
QMP_TYPES=pv
export QMP_TYPES
exec "$(dirname "$0")/guests.sh"
