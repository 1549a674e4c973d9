# SPDX-License-Identifier: LGPL-2.1-or-later
# For scripts that test the tool from outside; sourced. XL_EXT_SANITIZED is the tool, built with sanitizers.

tool=${XL_EXT_SANITIZED:-$XL_EXT}
failures=0

ok() {
    echo "ok - $1"
}

not_ok() {
    echo "not ok - $1"
    failures=$((failures + 1))
}

skip_all() {
    echo "ok - all # SKIP $1"
    exit 77
}

# says STATUS PATTERN NAME ARGUMENTS...: the tool with ARGUMENTS exits with STATUS and prints a line that matches PATTERN.
says() {
    want=$1 pattern=$2 name=$3
    shift 3
    output=$("$tool" "$@" 2>&1 </dev/null) && status=0 || status=$?
    if [ "$status" = "$want" ] && printf '%s\n' "$output" | grep -q -e "$pattern"; then
        ok "$name"
    else
        not_ok "$name"
        echo "# xl-ext $*: exit status $status, wanted $want and '$pattern'"
        printf '%s\n' "$output" | sed 's/^/# /'
    fi
}

finish() {
    [ $failures = 0 ]
    exit
}

# skip NAME REASON
skip() {
    echo "ok - $1 # SKIP $2"
}
