#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The live tests in several labs at a time: each script once, what one says in one piece, none lost. A stand-in for the lab.
. "$(dirname "$0")/../lib/results.sh"
tests=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir -p "$scratch/lab" "$scratch/tests/live"
for n in 1 2 3 4 5 6 7 8; do
    printf '#!/bin/sh\n# timeout: %s00\n' $n >"$scratch/tests/live/$n.sh"
done
printf '#!/bin/sh\n# lab: --other\n' >"$scratch/tests/live/other.sh"
chmod +x "$scratch"/tests/live/*.sh
# It says of each script of its plan five lines, slowly, and breaks at the last script.
cat >"$scratch/lab/xen-lab" <<'LAB'
#!/bin/bash
for word; do [[ $word == *:/root/live-plan ]] && plan=${word%:*}; done
echo boot >>"$(dirname "$0")/boots"
while read -r timeout script; do
    echo "=== $script"
    [[ $script == */8.sh ]] && exit 3
    for line in a b c d; do echo "ok - $script $line"; sleep 0.02; done
    [[ $script == */6.sh ]] && echo "=== again $script" && echo "ok - $script e"
    echo "=== end 0"
done <"$plan"
LAB
chmod +x "$scratch/lab/xen-lab"

run() {
    python3 - "$tests" "$scratch" "$1" <<'PY'
import os, sys
tests, root, labs = sys.argv[1:]
sys.path.insert(0, os.path.join(tests, "lib"))
import inlab
from tap import Tally
inlab.ROOT = root
tally = Tally()
for s in (scripts := inlab.find_scripts([os.path.join(root, "tests/live")])):
    s.path = os.path.relpath(s.path, root) if os.path.isabs(s.path) else "tests/live/" + os.path.basename(s.path)
inlab.run_groups(scripts, tally, int(labs))
tally.close()
PY
}

for labs in 1 2 3; do
    rm -f "$scratch/lab/boots"
    output=$(run $labs)
    for script in 1 2 3 4 5 7 other; do
        equal 1 "$(printf '%s\n' "$output" | grep -cE "^ok +tests/live/$script.sh +4 passed, 0 failed")" \
            "$labs: $script.sh has said four things, once"
    done
    broken=$(printf '%s\n' "$output" | grep -c 'tests/live/8.sh did not run to its end')
    check "$labs: the script that broke its lab has not run to its end" test "$broken" -ge 1
    equal 1 "$(printf '%s\n' "$output" | grep -cE '^ok +tests/live/6.sh +1 passed' )" \
        "$labs: what was seen of one before it was run again does not count"
    case $labs in
    1) boots=2 ;;
    2) boots=3 ;;
    3) boots=4 ;;
    esac
    equal $boots "$(wc -l <"$scratch/lab/boots")" "$labs: as many labs as there are, but for options of its own"
done
finish
