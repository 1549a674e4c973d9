#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every scenario file; one test each.
exec "$BUILD/tests/xl-ext-sim" "$(dirname "$0")"/../../sim/scenarios/*.json
