#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The copy of the sources in which another release's xl-ext is built: what differs is new there, and nothing else is.
. "$(dirname "$0")/../lib/cli.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$work/here
copy=$here/build/copy
mkdir -p "$here/scripts" "$here/build/obj" "$here/.git"
cp "$(dirname "$0")/../../scripts/release-tree" "$here/scripts/"
printf one >"$here/a file.c"
printf same >"$here/same.h"
ln -s same.h "$here/link.h"
touch "$here/build/obj/a.o" "$here/.git/HEAD"
bring_up_to_date() {
    "$here/scripts/release-tree" - build/copy
}
equal "$here/build/copy" "$(bring_up_to_date)" "its path is printed"
equal "one same same.h" "$(cat "$copy/a file.c") $(cat "$copy/same.h") $(readlink "$copy/link.h")" "files and links are copied"
says_not_there() {
    [ ! -e "$copy/build" ] && [ ! -e "$copy/.git" ]
}
check "without what was built, and without git's" says_not_there

# Changed here, then make was at work there: by their times nothing would have to be made again.
touch -d '2 hours ago' "$copy/same.h"
before=$(stat -c %Y "$copy/same.h")
printf two >"$here/a file.c"
touch -d '1 hour ago' "$here/a file.c"
touch -d '1 minute ago' "$work/made"
bring_up_to_date >/dev/null
equal two "$(cat "$copy/a file.c")" "a changed file is brought"
check "newer than what has been made of it" test "$copy/a file.c" -nt "$work/made"
equal "$before" "$(stat -c %Y "$copy/same.h")" "one that has not changed keeps its time"

chmod 700 "$here/same.h"
rm "$here/a file.c"
ln -sf scripts "$here/link.h"
bring_up_to_date >/dev/null
equal "700 scripts" "$(stat -c %a "$copy/same.h") $(readlink "$copy/link.h")" "modes and links are brought, too"
check "a file that has gone goes" test ! -e "$copy/a file.c"
finish
