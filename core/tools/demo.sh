#!/bin/sh
# The whole of it on one machine:  core/tools/demo.sh BUILD-FOLDER
#
# A service on a free port; deployment scripts, unmodified, under acurast-processor: the documented echo, and three times one that
# answers JSON-RPC; and a dApp in each language that is there. Each asks one processor, asks somebody who is away, and takes what three
# processors agree on. What is not there is left out and says why. Fails if a cell is wrong; ends by itself and leaves nothing running.
set -eu
export LC_ALL=C # of what printf makes of numbers
build=$1
bin=$build/bin
here=$(cd "$(dirname "$0")/../.." && pwd)
scripts=bindings/node/examples/deployments
work=$(mktemp -d)
running='' wrong=0
pair=EUR/CHF price=0.94 # as in price.js
params="{\"pair\":\"$pair\"}"

end()
{
    status=$?
    trap - EXIT INT TERM
    for pid in $running; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in $running; do
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
    exit $status
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for PATTERN FILE PID: until the line is there; gives up when the program ended, or after ten seconds.
wait_for()
{
    tries=200
    until grep -q "$1" "$2" 2>/dev/null; do
        tries=$((tries - 1))
        if [ $tries = 0 ] || ! kill -0 "$3" 2>/dev/null; then
            echo "the demo's program did not start:" >&2
            cat "$2" "$work/log" >&2
            exit 1
        fi
        sleep 0.05
    done
}

row()
{
    printf '  %-11s %s\n' "$1" "$2"
}

start_service()
{
    "$bin/acurast-service" --listen 127.0.0.1:0 >"$work/service" 2>>"$work/log" &
    running=$!
    wait_for '^listening on' "$work/service" $running
    url=$(awk '/^listening on/ { print $3; exit }' "$work/service")
}

key_of()
{
    "$bin/acurast-peer" keygen --out "$work/$1.pem" | awk '$1 == "public-key" { print $2 }'
}

# start_script NAME SCRIPT: under the runner.
start_script()
{
    "$node" "$here/bindings/node/bin/acurast-processor.js" "$here/$scripts/$2" --service "$url" --key "$work/$1.pem" --json \
        >"$work/$1" 2>>"$work/log" &
    running="$running $!" started="$started $1:$!"
}

# start_peer NAME COMMAND ...: the same behaviour in C.
start_peer()
{
    name=$1 command=$2
    shift 2
    "$bin/acurast-peer" "$command" --url "$url" --key "$work/$name.pem" "$@" >"$work/$name" 2>&1 &
    running="$running $!" started="$started $name:$!"
}

start_processors()
{
    started='' keys=''
    echo_key=$(key_of echo) away=$(key_of away)
    for name in one two three; do
        keys="$keys $(key_of $name)"
    done
    keys=${keys# } first=${keys%% *}
    if [ -n "$node" ]; then
        start_script echo echo.js
        for name in one two three; do
            start_script $name price.js
        done
        ready='"open: success"' echo_what="acurast-processor $scripts/echo.js" what="acurast-processor $scripts/price.js"
    else
        start_peer echo listen --echo --quiet
        for name in one two three; do
            start_peer $name serve --exec "grep -q $pair && echo '{\"pair\":\"$pair\",\"price\":$price}'" price
        done
        ready='connected to' echo_what='acurast-peer listen --echo' what='acurast-peer serve --exec'
    fi
    for each in $started; do
        wait_for "$ready" "$work/${each%%:*}" "${each##*:}"
    done
}

# Each language has two programs, which print an answer, a tab and milliseconds:  one KEY  and  many KEY...

# In nanoseconds, or in seconds where this system's date knows no smaller ones.
now()
{
    date +%s%N | sed 's/N$/000000000/'
}

# timed COMMAND ...: as those programs print it, with the time of the whole command.
timed()
{
    began=$(now)
    answer=$("$@")
    took=$((($(now) - began) / 1000))
    printf '%s\t%d.%03d\n' "$answer" $((took / 1000)) $((took % 1000))
}

# What acurast-peer says, in the words of the table.
ask_c()
{
    if "$bin/acurast-peer" request --url "$url" "$@" price "$params" >"$work/result" 2>"$work/reason"; then
        sed -n 's/.*"price":\([0-9.]*\).*/\1/p' "$work/result"
    elif grep -q 'not here' "$work/reason"; then
        echo 'not here'
    else
        cat "$work/reason" >>"$work/log"
    fi
}

one_c()
{
    timed ask_c "$1"
}

many_c()
{
    timed ask_c --need 3 --agree "$(echo "$*" | tr ' ' ,)"
}

one_node()
{
    "$node" "$here/bindings/node/examples/ask.mjs" "$url" "$1" "$pair"
}

many_node()
{
    "$node" "$here/bindings/node/examples/ask-many.mjs" "$url" "$pair" "$@"
}

one_python()
{
    "$python" "$here/bindings/python/examples/ask.py" "$url" "$1" "$pair"
}

many_python()
{
    "$python" "$here/bindings/python/examples/ask_many.py" "$url" "$pair" "$@"
}

one_go()
{
    "$go/ask" "$url" "$1" "$pair"
}

many_go()
{
    "$go/askmany" "$url" "$pair" "$@"
}

# cell EXPECTED COMMAND ...: the answer and its time, and whether it is the one that was expected.
cell()
{
    expected=$1
    shift
    "$@" >"$work/answer" 2>>"$work/log" || echo 'no answer' >"$work/answer"
    answer=$(head -n 1 "$work/answer" | cut -f 1)
    if [ "$answer" != "$expected" ]; then
        wrong=1
        cat "$work/log" >&2
    fi
    took=$(head -n 1 "$work/answer" | cut -s -f 2)
    printf ' %-10s %6.1f ms   ' "$answer" "${took:-0}"
}

# language NAME SUFFIX: a row of the table.
language()
{
    printf '  %-11s' "$1"
    cell "$price" "one_$2" "$first"
    cell 'not here' "one_$2" "$away"
    cell "$price" "many_$2" $keys
    echo
}

# The documented script answers with what it is sent.
check_echo()
{
    question='Are you there?'
    answer=$("$bin/acurast-peer" send --url "$url" --to "$echo_key" --wait 1 --timeout 10s "$question" 2>>"$work/log") || answer='no answer'
    [ "$answer" = "$question" ] || wrong=1
    row 'echo says' "$answer"
}

left_out()
{
    printf '  %-11s left out: %s\n' "$1" "$2"
}

# ready LANGUAGE: has its binding built; what runs it, or why there is nothing, is in files.
ready()
{
    sh "$here/bindings/$1/tools/ready.sh" "$build" >"$work/$1" 2>"$work/no_$1" || : >"$work/$1"
}

ready python &
python=$!
ready go &
go=$!
ready node
wait $python
wait $go
node=$(cat "$work/node") python=$(cat "$work/python") go=$(cat "$work/go")

start_service
start_processors
echo
row service "$url"
row echo "$echo_what"
row oracles "$what"
for key in $keys; do
    row '' "$key"
done
echo
check_echo
echo
printf '  %-11s  %-22s  %-22s  %s\n' '' 'a request' 'a refusal' 'a quorum of three'
language C c
if [ -n "$node" ]; then
    language Node node
else
    left_out Node "$(cat "$work/no_node")"
fi
if [ -n "$python" ]; then
    language Python python
else
    left_out Python "$(cat "$work/no_python")"
fi
if [ -n "$go" ]; then
    language Go go
else
    left_out Go "$(cat "$work/no_go")"
fi
echo '  (The times of C are those of the whole command, which connects first.)'
exit $wrong
