#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-top in a real terminal: it fits, sorts by keys, scrolls, filters, says why, and leaves the terminal as it was.
# timeout: 600
. "$(dirname "$0")/../../lib/live.sh"

start_memd
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

# More domains than lines, in a shell that knows jobs.
at_end lab-puppet stop many
check "forty domains" lab-puppet start many 24 32 instant --count 36
tmux kill-session -t top
tmux new-session -d -s top -x 80 -y 24 "bash --norc -i"
tmux send-keys -t top "xl-ext mem-top" Enter
check "it says how many domains there is no room for" until_true 60 shows "^2[0-9] more: 0 above, 2[0-9] below"
screen | sed 's/^/# /'
check "and sums" shows "^sum of 40: "
tmux send-keys -t top End
check "the last one is reached" until_true 60 shows "^many-36 "
check "and the first ones are above" shows "more: 2[0-9] above, 0 below"
tmux send-keys -t top Home
check "and the first one again" until_true 60 shows "^Domain-0 "
tmux send-keys -t top / p - 2 Enter
check "a filter leaves who has that name" until_true 60 shows "^sum of 1 (of 40)"
# The line of keys is longer than the screen by now, and holds no column less.
is_whole() {
    [ "$(screen | grep "  filter: p-2x" | awk '{ print length }')" = 80 ]
}
tmux send-keys -t top / x x x x x x x x x Enter
check "what stands in the last column is shown" until_true 60 is_whole
tmux send-keys -t top / BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace BSpace Enter
check "a filter can be taken back" until_true 60 shows "^p-2 "
tmux send-keys -t top w
check "w says why that domain has its memory" until_true 60 shows "^p-2: gets "
check "and what was written lately" shows "^last changes of its target"
tmux send-keys -t top q
check "any key goes back" until_true 60 shows "^sum of 1 (of 40)"
tmux send-keys -t top Escape
tmux resize-window -t top -x 200 -y 60
check "a larger screen is used" until_true 60 shows "MIN *MAX *WEIGHT"
check "for all of them" until_true 60 shows "^many-36 "
screen | sed 's/^/# /'
tmux send-keys -t top C-z
check "Ctrl-Z stops it" until_true 60 shows "Stopped .*mem-top"
tmux send-keys -t top "stty -a" Enter
check "with the terminal as before" until_true 60 shows "^isig icanon"
tmux send-keys -t top clear Enter fg Enter
check "and it goes on" until_true 60 shows "^sum of 40: "
kill $memd
wait $memd
check "without memd it keeps what it has, and says how old that is" until_true 60 shows "^warning: memd does not answer: what is shown is [0-9]* s old"
check "of all of them" shows "^sum of 40: "
start_memd
answers_again() {
    shows "^sum of 40: " && ! shows "does not answer"
}
check "and goes on when memd is back" until_true 60 answers_again
tmux send-keys -t top q
kill -STOP $memd
tmux send-keys -t top clear Enter "xl-ext mem-top" Enter
check "a memd that does not answer at its start is waited for" until_true 60 shows "no answer within"
kill -CONT $memd
check "until it answers" until_true 60 answers_again
kill -STOP $memd
sleep 2
tmux send-keys -t top q
check "q ends it also while memd is waited for" until_true 60 shows "xl-ext mem-top$"
kill -CONT $memd
tmux send-keys -t top clear Enter "xl-ext mem-top" Enter
check "and again" until_true 60 answers_again
tmux send-keys -t top C-c
tmux send-keys -t top 'echo "ended:$?"' Enter
check "Ctrl-C interrupts it" until_true 60 shows "^ended:130"
finish
