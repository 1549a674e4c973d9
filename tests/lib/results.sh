# SPDX-License-Identifier: LGPL-2.1-or-later
# How a test script says what it has found, in TAP; sourced by cli.sh and live.sh. A script ends in "finish".
# (sh has no local variables: those of these files are named for their function.)

failures=0

ok() {
    echo "ok - $1"
}

# not_ok NAME [LINE]...: with what there is to say about it
not_ok() {
    echo "not ok - $1"
    failures=$((failures + 1))
    shift
    for line; do printf '%s\n' "$line" | sed 's/^/#   /'; done
}

# skip NAME REASON
skip() {
    echo "ok - $1 # SKIP $2"
}

# command_says STATUS PATTERN NAME COMMAND...: COMMAND exits with STATUS and prints (stdout or stderr) a line that matches
# PATTERN
command_says() {
    says_want=$1 says_pattern=$2 says_name=$3
    shift 3
    says_output=$("$@" 2>&1 </dev/null) && says_status=0 || says_status=$?
    if [ "$says_status" = "$says_want" ] && printf '%s\n' "$says_output" | grep -q -e "$says_pattern"; then
        ok "$says_name"
    else
        not_ok "$says_name" "$*: exit status $says_status, wanted $says_want and '$says_pattern'" \
            "$says_output"
    fi
}

# check NAME COMMAND...: COMMAND succeeds
check() {
    check_name=$1
    shift
    if check_output=$("$@" 2>&1); then
        ok "$check_name"
    else
        not_ok "$check_name" "exit status $? of: $*" "$check_output"
    fi
}

# equal WANTED GOT NAME
equal() {
    if [ "$1" = "$2" ]; then
        ok "$3"
    else
        not_ok "$3" "wanted: $1" "got:    $2"
    fi
}

finish() {
    [ $failures = 0 ]
    exit
}
