#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every scenario file; one test each.
# A daemon that is killed in the middle frees nothing.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
exec "$BUILD/tests/xl-ext-sim" "$(dirname "$0")"/../../sim/scenarios/*.json
