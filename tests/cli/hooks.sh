#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The hook for libvirt, with a recorder in xl-ext's place.
. "$(dirname "$0")/../lib/cli.sh"

hook=$(cd "$(dirname "$0")/../.." && pwd)/share/hooks/libvirt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RECORD="$work/record" STATUS=0
printf '#!/bin/sh\necho "$*" >> "$RECORD"\necho "1024 MiB are not free"\nexit $STATUS\n' > "$work/xl-ext"
chmod 755 "$work/xl-ext"
PATH=$work:$PATH
uuid=11111111-2222-3333-4444-555555555555
cat > "$work/xml" <<END
<domain type='xen'>
  <name>web</name>
  <uuid>$uuid</uuid>
  <memory unit='KiB'>2097152</memory>
  <currentMemory unit='KiB'>1048576</currentMemory>
  <vcpu placement='static' current='1'>2</vcpu>
</domain>
END

# hook STATUS WANTED NAME OPERATION SUB-OPERATION: the hook ends with STATUS, and xl-ext was called with WANTED
hook() {
    rm -f "$RECORD"
    hook_said=$("$hook" web "$4" "$5" - < "$work/xml" 2>&1) && hook_status=0 || hook_status=$?
    hook_got=$(cat "$RECORD" 2> /dev/null)
    if [ "$hook_got" = "$2" ] && [ $hook_status = "$1" ]; then
        ok "$3"
    else
        not_ok "$3" "status $hook_status, called with '$hook_got', wanted '$2'"
    fi
}

need=$((1048576 + 8192 + 2048 + 20480))k
asked="mem-reserve $need --uuid $uuid --lease 120 -t 60"
hook 0 "$asked" "a start has its memory reserved, by its UUID" prepare begin
equal "" "$hook_said" "and nothing is said, which libvirt would take for XML"
hook 0 "$asked" "so has a restore" restore begin
hook 0 "$asked" "and a guest that comes from another host" migrate begin
hook 0 "" "an end needs none" release end
hook 0 "" "nor a start that is done" started begin
STATUS=1 hook 0 "$asked" "without memd the start goes on" prepare begin
STATUS=3
hook 1 "$asked" "one that cannot have its memory is refused" prepare begin
equal "xl-ext: 1024 MiB are not free" "$hook_said" "with the reason"
STATUS=0
echo '<domain><name>web</name></domain>' > "$work/xml"
hook 0 "" "what is not understood is left to libvirt" prepare begin
echo "<domain><uuid>$uuid</uuid><memory>1; reboot</memory></domain>" > "$work/xml"
hook 0 "" "and nothing in it is run" prepare begin

# ---- what libvirt is told of sizes ----

sizes=$(dirname "$hook")/libvirt-sizes
printf '#!/bin/sh\nprintf "Target (KiB)  262144\\nActual (KiB)  %%s\\nOffset (KiB)  1024\\n" $ACTUAL\n' > "$work/xl-ext"
printf '#!/bin/sh\n[ "$4" = list ] && printf "Domain-0\\nweb\\ndb\\n" || echo "$*" >> "$RECORD"\n' > "$work/virsh"
chmod 755 "$work/virsh"
export ACTUAL=263168
rm -f "$RECORD"
check "all guests' sizes are told" "$sizes"
told="-q -c xen:///system setmem"
equal "$told web 262144KiB --live
$told db 262144KiB --live" "$(cat "$RECORD")" "each as its target, dom0 left out"
rm -f "$RECORD"
ACTUAL=301024 check "one that has not given yet" "$sizes" db
equal "$told db 300000KiB --live" "$(cat "$RECORD")" "is told with what it holds"
finish
