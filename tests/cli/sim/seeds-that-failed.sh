#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Beyond the 300: a guest that is stuck and one that is stuck and lies, between whom an honest one starved; seeds around
# it keep it company, since a change elsewhere may make another of them the hard one.
# A daemon that is killed in the middle frees nothing.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
exec "$BUILD/tests/xl-ext-sim" --random 21471-21490
