#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# 300 random scenarios with fixed seeds; 'make check-sim-all' runs 10,000.
exec "$BUILD/tests/xl-ext-sim" --random 1-300
