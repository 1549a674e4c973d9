#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What mem-top --prometheus prints, from memd's service on a simulated host; and what is shipped for Prometheus and Grafana
# names only metrics that there are.
. "$(dirname "$0")/../../lib/cli.sh"

source=$(dirname "$0")/../../..
work=$(mktemp -d)
trap 'kill "$memd"; wait "$memd"; rm -rf "$work"' EXIT

echo "metrics = \"unix:$work/metrics\"" > "$work/memd.cfg"
: > "$work/out"
"$BUILD/tests/xl-ext-sim" --serve "$work" "$source/tests/prometheus/troubled.json" > "$work/out" &
memd=$!
# It says so when it serves.
tries=0
until grep -q '^serving$' "$work/out" || [ $tries -ge 600 ] || ! kill -0 "$memd"; do
    sleep 0.1
    tries=$((tries + 1))
done
export XL_EXT_RUN_FOLDER=$work
check "the service runs" grep -q '^serving$' "$work/out"

"$tool" mem-top --prometheus > "$work/page"
equal 0 "$?" "mem-top prints the metrics"
says 0 '^xlext_domain_managed{domid="9",name="router",uuid="[-0-9a-f]*"} 0$' "a domain without a range has its series" mem-top --prometheus
says 0 'name="e\\"vil\\\\??\[1m"' "a hostile name is escaped" mem-top --prometheus
equal 0 "$(grep -c 'xlext_guest_available_bytes{[^}]*name="router"' "$work/page")" "what is not known of a domain is absent"
equal "" "$(grep -v '^#' "$work/page" | cut -d ' ' -f 1 | sort | uniq -d)" "no series stands there twice"

sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$work/page" | sort > "$work/served"
for file in share/grafana/xl-ext.json share/prometheus/xl-ext.rules.yml tests/prometheus/rules.yml; do
    grep -oE 'xlext_[a-z_]+' "$source/$file" | sort -u > "$work/named"
    equal "" "$(comm -23 "$work/named" "$work/served" | tr '\n' ' ')" "$file names metrics that memd serves"
done
grep -oE 'xlext_[a-z_]+' "$source/share/grafana/xl-ext.json" | sort -u > "$work/named"
equal "" "$(comm -13 "$work/named" "$work/served" | tr '\n' ' ')" "the dashboard shows all that memd serves"

kill "$memd"
wait "$memd"
says 1 "memd does not run\|does not run on Xen" "without memd there is nothing, and a sentence why" mem-top --prometheus
finish
