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
    says_want=$1 says_pattern=$2 says_name=$3
    shift 3
    says_output=$("$tool" "$@" 2>&1 </dev/null) && says_status=0 || says_status=$?
    if [ "$says_status" = "$says_want" ] && printf '%s\n' "$says_output" | grep -q -e "$says_pattern"; then
        ok "$says_name"
    else
        not_ok "$says_name"
        echo "# xl-ext $*: exit status $says_status, wanted $says_want and '$says_pattern'"
        printf '%s\n' "$says_output" | sed 's/^/# /'
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
