#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-top in real terminals of 80x24 and 200x60 with a thousand domains that come while memd runs, and with three on a large one. The three are
# balanced; what a thousand balanced ones cost is measured by tests/bench/balance-rss.sh.
# lab: --mem 6144
# timeout: 2700
. "$(dirname "$0")/../../lib/live.sh"

at_end lab-puppet stop customer-production
check "three domains" lab-puppet start customer-production 24 32 instant --count 3
start_memd
for n in 1 2 3; do
    check "customer-production-$n is balanced" xl-ext mem-range customer-production-$n 24 32
done

screen() {
    tmux capture-pane -p -t top
}
shows() {
    screen | grep -q -e "$1"
}
# No line of the screen is longer than it, and none says less than there is.
fits() {
    [ "$(screen | awk '{ if (length > most) most = length } END { print most }')" -le "$1" ] && [ "$(screen | wc -l)" -le "$2" ]
}
at_end tmux kill-server
tmux new-session -d -s top -x 200 -y 60 "bash --norc -i"
tmux send-keys -t top "xl-ext mem-top" Enter
check "200x60: three domains and dom0 are all shown" until_true 120 shows "^sum of 4: "
check "with their whole names" shows "^customer-production-3 "
check "and no word of more" sh -c "! tmux capture-pane -p -t top | grep -q '^[0-9]* more: '"
check "within the screen" fits 200 60
screen | sed 's/ *$//; s/^/# /' | head -12
tmux send-keys -t top q

at_end lab-puppet stop k
began=$(date +%s)
check "a thousand domains" lab-puppet start k 1 2 instant --count 1000
echo "# $(($(date +%s) - began)) s; memd has had $(ps -o cputimes= $memd | tr -d ' ') s of CPU"
tmux resize-window -t top -x 80 -y 24
tmux send-keys -t top clear Enter "xl-ext mem-top" Enter
check "80x24: it sums all" until_true 600 shows "^sum of 1004: "
check "and says how many there is no room for" until_true 120 shows "^9[0-9][0-9] more: 0 above, 9[0-9][0-9] below"
check "within the screen" fits 80 24
screen | sed 's/ *$//; s/^/# /'
tmux send-keys -t top End
check "the last one is reached" until_true 120 shows "^k-1000 "
check "and the first ones are above" shows "more: 9[0-9][0-9] above, 0 below"
tmux send-keys -t top / k - 9 9 9 Enter
check "a filter finds one of a thousand" until_true 120 shows "^sum of 1 (of 1004)"
check "which is shown" shows "^k-999 "
tmux send-keys -t top w
check "and w says why it has its memory" until_true 120 shows "^k-999: "
tmux send-keys -t top q
tmux send-keys -t top / BSpace BSpace BSpace BSpace BSpace Enter
check "without the filter all are there" until_true 120 shows "^sum of 1004: "
tmux send-keys -t top Home
tmux resize-window -t top -x 200 -y 60
check "200x60: columns for the range" until_true 120 shows "MIN *MAX *WEIGHT"
check "more lines are used" until_true 120 shows "^9[0-9][0-9] more: 0 above, 9[0-9][0-9] below"
check "the long names are whole" shows "^customer-production-3 "
check "within the screen" fits 200 60
screen | sed 's/ *$//; s/^/# /'
tmux send-keys -t top C-c
# What is typed before it has ended is for it.
check "the terminal is the shell's again" until_true 120 shows "xl-ext mem-top$"
tmux send-keys -t top 'echo "ended:$?"' Enter
check "Ctrl-C interrupts it" until_true 120 shows "^ended:130"
began=$(date +%s%N)
xl-ext mem-top --once >"$scratch/once"
echo "# mem-top --once with 1004 domains: $((($(date +%s%N) - began) / 1000000)) ms"
equal 1004 "$(xl-ext mem-top --once --json | json '.domains | length')" "--once has them all"
finish
