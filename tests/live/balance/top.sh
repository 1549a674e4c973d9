#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-top in a real terminal: it fits, sorts by keys, and leaves the terminal as it was.
# timeout: 120
. "$(dirname "$0")/../../lib/live.sh"

xl-ext memd 2>"$scratch/memd.log" &
memd=$!
at_end kill $memd
check "memd answers" until_true 30 xl-ext mem-top --once
at_end lab-puppet stop p
check "three guests" lab-puppet start p 100 200 instant --count 3
i=0
for size in 110 130 120; do
    i=$((i + 1))
    check "p-$i is balanced" xl-ext mem-range p-$i 90 $size
done
settled() {
    [ "$(xl-ext mem-top --once --json | json '[.domains[] | select(.managed) | .actual_memkb / 1024 | round] | join(" ")')" = "110 130 120" ]
}
# They report nothing, so memd gives them a minute to boot.
lab-puppet stats p total-memory=104857600 available-memory=20971520
check "each gets its maximum" until_true 30 settled

screen() {
    tmux capture-pane -p -t top
}
shows() {
    screen | grep -q -e "$1"
}
# rows: the names in their order on the screen
rows() {
    screen | sed -n 's/^\(p-[0-9]\) .*/\1/p' | tr '\n' ' '
}
rows_are() {
    [ "$(rows)" = "$1" ]
}
for columns in 80 120; do
    tmux new-session -d -s top -x $columns -y 24 "sh -c 'xl-ext mem-top; echo back:\$?; stty -a; exec cat'"
    at_end tmux kill-server
    check "$columns columns: it shows the host" until_true 20 shows "^host: "
    check "$columns columns: a line for each domain, no longer than the screen" until_true 10 rows_are "p-1 p-2 p-3 "
    screen | sed 's/^/# /'
    if [ $columns = 120 ]; then says 0 "MIN *MAX *WEIGHT" "with minimum, maximum and weight" screen; fi
    tmux send-keys -t top a
    check "$columns columns: sorted by what they hold" until_true 10 rows_are "p-2 p-3 p-1 "
    tmux send-keys -t top i
    check "$columns columns: and by id again" until_true 10 rows_are "p-1 p-2 p-3 "
    tmux send-keys -t top q
    check "$columns columns: q ends it" until_true 10 shows "^back:0"
    check "$columns columns: the terminal is as before" shows " icanon .* echo \| echo .*icanon\|^isig icanon"
    tmux kill-session -t top
done
tmux new-session -d -s top -x 80 -y 24 "sh -c 'xl-ext mem-top; echo back; stty -a; exec cat'"
check "again" until_true 20 shows "^host: "
kill -TERM "$(pgrep -f "mem-top\$")"
check "killed" until_true 10 shows "back"
check "the terminal is as before, too" shows "^isig icanon"
finish
