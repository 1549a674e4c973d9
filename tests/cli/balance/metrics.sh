#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What mem-top --prometheus prints, from memd's service on a simulated host; and what is shipped for Prometheus and Grafana
# names only metrics that there are.
. "$(dirname "$0")/../../lib/cli.sh"

source=$(dirname "$0")/../../..
work=$(mktemp -d)
trap 'kill "$memd" 2> /dev/null; wait; rm -rf "$work"' EXIT

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

# ---- the port that systemd opens ----

if command -v systemd-socket-activate > /dev/null; then
    # All of 127/8 is this machine's: an address that nobody else has.
    address=127.$(($$ / 250 % 250 + 1)).$(($$ % 250)).7
    rm "$work/memd.cfg"
    systemd-socket-activate --fdname=metrics -l "$address:9703" \
        "$BUILD/tests/xl-ext-sim" --serve "$work" "$source/tests/prometheus/troubled.json" > "$work/out" 2>&1 &
    memd=$!
    # scraped: the page, over HTTP
    scraped() {
        exec 5<> "/dev/tcp/$address/9703" || return
        printf 'GET /metrics HTTP/1.0\r\nHost: %s\r\n\r\n' "$address" >&5
        cat <&5
        exec 5<&-
    }
    tries=0
    until scraped > "$work/page" 2> /dev/null || [ $tries -ge 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    check "a socket that systemd hands over is served, without a word in memd.cfg" \
        grep -q '^xlext_domain_managed{domid="9",name="router"' "$work/page"
    kill "$memd"
    wait "$memd"
else
    skip "a socket that systemd hands over is served" "no systemd-socket-activate"
fi
says 1 "memd does not run\|does not run on Xen" "without memd there is nothing, and a sentence why" mem-top --prometheus
finish
