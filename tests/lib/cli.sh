# SPDX-License-Identifier: LGPL-2.1-or-later
# For scripts that test the tool from outside; sourced. XL_EXT_SANITIZED is the tool, built with sanitizers.

tool=${XL_EXT_SANITIZED:-$XL_EXT}
# $0 is the script: a file somewhere below tests/.
tests_folder=$(dirname "$0")
while [ ! -e "$tests_folder/lib/results.sh" ] && [ ${#tests_folder} -lt 4000 ]; do tests_folder=$tests_folder/..; done
# shellcheck source=tests/lib/results.sh
. "$tests_folder/lib/results.sh"

skip_all() {
    skip all "$1"
    exit 77
}

# says STATUS PATTERN NAME ARGUMENTS...: the tool with ARGUMENTS exits with STATUS and prints a line that matches PATTERN.
says() {
    tool_status=$1 tool_pattern=$2 tool_name=$3
    shift 3
    command_says "$tool_status" "$tool_pattern" "$tool_name" "$tool" "$@"
}
