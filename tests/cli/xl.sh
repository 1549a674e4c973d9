#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# "alias xl=xl-ext" and "ln -s xl-ext xl": what reaches xl, in which order, and whose exit status comes back. A recorder
# stands in xl's place; without Xen, create and migrate are handed on as they are.
. "$(dirname "$0")/../lib/cli.sh"

[ -e /proc/xen/capabilities ] && skip_all "this machine runs on Xen"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XL_EXT_PLUGIN_PATH=/nonexistent
mkdir "$work/real" "$work/link"
cat > "$work/real/xl" <<'SH'
#!/bin/sh
printf '<%s>' xl "$@" > "$RECORD"
exit 42
SH
chmod 755 "$work/real/xl"
# The link comes first in PATH: xl-ext must not take it for xl.
ln -s "$tool" "$work/link/xl"
PATH=$work/link:$work/real:$PATH
export RECORD="$work/record"

# handed_on PROGRAM ARGUMENT...: xl gets the arguments as they are, and its exit status comes back.
# handed_on_as WANTED PROGRAM ARGUMENT...: xl gets "<xl><...>".
handed_on_as() {
    as_want=$1 as_program=$2
    shift 2
    rm -f "$RECORD"
    "$as_program" "$@" </dev/null >"$work/out" 2>&1 && as_status=0 || as_status=$?
    as_got=$(cat "$RECORD" 2>/dev/null)
    as_name="$(basename "$as_program") $*"
    if [ "$as_got" = "$as_want" ] && [ $as_status = 42 ]; then
        ok "$as_name"
    else
        not_ok "$as_name"
        echo "# exit status $as_status, xl got $as_got, wanted $as_want"
        sed 's/^/# /' "$work/out"
    fi
}
handed_on() {
    on_program=$1
    shift
    handed_on_as "$(printf '<%s>' xl "$@")" "$on_program" "$@"
}

for program in "$tool" "$work/link/xl"; do
    # ---- commands that only xl has ----
    handed_on "$program" list
    handed_on "$program" list -l web
    handed_on "$program" console -t pv web
    handed_on "$program" save -c web "/tmp/a file"
    handed_on_as "<xl><save><-p><web></tmp/saved>" "$program" save --compact --to 200m -p web /tmp/saved
    handed_on "$program" restore -e /tmp/saved
    handed_on "$program" restore -p -c web.cfg /tmp/saved
    handed_on "$program" restore
    handed_on "$program" migrate-receive -e --colo --coloft-script x
    handed_on_as "<xl><restore><-p><saved>" "$program" restore -t 60 -p saved
    handed_on "$program" shutdown -w -a
    handed_on "$program" -v -v destroy -f web
    handed_on "$program" no-such-command --whatever

    # ---- create ----
    for option in -A -F -V -c -d -e -i -n -p -q --dryrun --quiet --vncviewer --vncviewer-autopass \
        --ignore-global-affinity-masks --unknown -x; do
        handed_on "$program" create $option web.cfg
        handed_on "$program" create web.cfg $option
    done
    handed_on "$program" create -f web.cfg
    handed_on "$program" create -fweb.cfg memory=300
    handed_on "$program" create --defconfig=web.cfg 'name="b"'
    handed_on "$program" create --defconfig web.cfg -p
    handed_on "$program" create --defc web.cfg --dry
    handed_on "$program" create -pcf web.cfg -q
    handed_on "$program" create web.cfg memory=300 -c 'vcpus=2' -p
    handed_on "$program" create 'kernel="/k"' 'name="all on the command line"'
    handed_on "$program" create /dev/stdin
    handed_on "$program" create -- -web.cfg
    handed_on "$program" create a.cfg b.cfg
    handed_on "$program" create
    handed_on "$program" -N create web.cfg
    handed_on "$program" -vvv -t create -e web.cfg
    handed_on_as "<xl><create><web.cfg><-c>" "$program" create -t 60 web.cfg -c
    handed_on_as "<xl><create><-p><web.cfg>" "$program" create -pt 60 web.cfg
    handed_on_as "<xl><create><web.cfg>" "$program" --timeout 5 create web.cfg

    # ---- migrate ----
    handed_on "$program" migrate web there
    handed_on "$program" migrate -D -F -e -p --debug --live web there
    handed_on "$program" migrate -C new.cfg -s "ssh -p 2222" web there
    handed_on "$program" migrate web there -s '' --unknown
    handed_on_as "<xl><migrate><-e><web><there>" "$program" migrate -f -e web --policy file there
    handed_on_as "<xl><migrate><web><there>" "$program" migrate --compact web there
done

says 0 "dryrun" "help of create shows xl's options too" create --help
says 0 "dryrun" "also by -h" create web.cfg -h
says 2 "too few" "migrate needs its arguments" migrate web
says 2 "goes with --compact" "how small is said only where a guest is made small" save --to 200m web /tmp/saved
says 2 "goes with --compact" "also for its journey" migrate --to 200m web there
says 2 "needs a value" "an option of our own must have its value" create web.cfg -t

# ---- names that both have, done by xl-ext itself: xl's grammar is not refused as bad usage ----
for line in "mem-set web 512" "mem-max web 1g" "vcpu-list" "vcpu-list web" "vcpu-pin web 0 1-2 -" "vcpu-pin -f web all all"; do
    # shellcheck disable=SC2086
    says 1 "does not run on Xen" "$line" $line
done

rm "$work/real/xl"
# shellcheck disable=SC2123
PATH=$work/link
says_output=$("$tool" list 2>&1) && says_status=0 || says_status=$?
PATH=$work/link:/usr/bin:/bin
case "$says_status $says_output" in
    "1 "*"no xl in PATH"*) ok "with nothing but the link, xl-ext does not call itself" ;;
    *) not_ok "with nothing but the link, xl-ext does not call itself" ;;
esac
finish
