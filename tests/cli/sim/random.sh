#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# 300 random scenarios with fixed seeds; 'make check-sim-all' runs 10,000.
# A daemon that is killed in the middle frees nothing.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
exec "$BUILD/tests/xl-ext-sim" --random 1-300
