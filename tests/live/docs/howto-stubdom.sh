#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The how-to about stub domains does what it says.
# lab: --copy build/stubdom/live:/root/stubdom --copy docs:/root/docs
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

at_end xl destroy win
start_memd # as on a host that is run with xl-ext
# libxl gives a stub domain 30 s to start, which an emulated machine with much beside it may not keep: tried again then.
for try in 1 2 3; do
    output=$(python3 "$tests_folder/lib/howto.py" /root/docs/howto/stubdom.md)
    status=$?
    printf '%s\n' "$output" | grep -q "startup timed out" || break
    echo "# try $try: the stub domain did not start within libxl's 30 s"
    xl destroy win
done
if printf '%s\n' "$output" | grep -q "startup timed out"; then
    skip "the how-to about stub domains" "no stub domain starts within libxl's 30 s on this machine"
else
    printf '%s\n' "$output"
    [ $status = 0 ] || failures=$((failures + 1))
fi
finish
