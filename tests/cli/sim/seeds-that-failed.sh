#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Beyond the 300: random scenarios that once failed. A change elsewhere may make another one the hard one, so that the
# first have company.
#   21471: a guest that is stuck and one that is stuck and lies, between whom an honest one starved
#   2181 3623 3829 5224 7103 7122: a liar that says that it has plenty was tried for a start for ever
#   7880 8682: a guest that gave a part and took it back was tried as if it had given all
#   9507: what a guest gave was kept for it by a reservation that it had been handed, and so was wanted from it again
#   440 2242 5094 5924 6005 9258: raised to what was reserved for it, while others had taken too much
#   748 2102 5657 9562: a guest took the slack that its limit leaves, while others had taken too much
#   372 1158 2291 5482: what others had taken showed when a guest was resumed
# A daemon that is killed in the middle frees nothing.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
status=0
for seeds in 21471-21490 2181 3623 3829 5224 7103 7122 7880 8682 9507 440 2242 5094 5924 6005 9258 748 2102 5657 9562 \
    372 1158 2291 5482; do
    "$BUILD/tests/xl-ext-sim" --random "$seeds" || status=1
done
exit $status
