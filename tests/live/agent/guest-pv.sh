#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guest agent in a PV guest.
# live: core
# timeout: 400
AGENT_TYPES=pv
export AGENT_TYPES
exec "$(dirname "$0")/guests.sh"
