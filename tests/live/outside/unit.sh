#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd as the service that systemd runs on a full dom0, in its sandbox: it comes up, balances, hears of a changed configuration and
# of a killed memd, and is not started where it does not belong.
# timeout: 1500

. tests/lib/live.sh

printf '#!/bin/sh\nexec /root/tests/live/outside/unit-in-dom0\n' >"$scratch/in-dom0"
lab/xen-lab run --system full --copy tests:/root/tests "$scratch/in-dom0" >"$scratch/out" 2>"$scratch/err"
status=$?
cat "$scratch/out"
equal 0 "$status" "all of that held" || tail -n 20 "$scratch/err"
finish
