#!/bin/sh
# The whole of it on one machine:  core/tools/demo.sh BUILD-FOLDER
#
# A service on a free port; the documented deployment script, unmodified, under acurast-processor; and a dApp in each language
# that is there, which asks it. What is not there is left out and says why. Fails if an answer is wrong; ends by itself and
# leaves nothing running.
set -eu
build=$1
bin=$build/bin
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
service='' processor='' wrong=0

end()
{
    status=$?
    trap - EXIT INT TERM
    for pid in $processor $service; do
        kill "$pid" 2>/dev/null || true
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
    service=$!
    wait_for '^listening on' "$work/service" $service
    url=$(awk '/^listening on/ { print $3; exit }' "$work/service")
}

# The documented script under the runner; without Node, the same behaviour in C.
start_processor()
{
    if [ -n "$node" ]; then
        script=bindings/node/examples/deployments/echo.js
        "$node" "$here/bindings/node/bin/acurast-processor.js" "$here/$script" --service "$url" --json \
            >"$work/processor" 2>>"$work/log" &
        processor=$! what="acurast-processor $script"
        wait_for '"open: success"' "$work/processor" $processor
        key=$(sed -n 's/.*"publicKey":"\([^"]*\)".*/\1/p' "$work/processor" | head -n 1)
    else
        key=$("$bin/acurast-peer" keygen --out "$work/processor.pem" | awk '$1 == "public-key" { print $2 }')
        "$bin/acurast-peer" listen --echo --quiet --json --url "$url" --key "$work/processor.pem" \
            >"$work/processor" 2>>"$work/log" &
        processor=$! what="acurast-peer listen --echo"
        wait_for '"connected"' "$work/processor" $processor
    fi
}

# Each asks a question and prints the median of five round trips in ms, a tab, and the answer.
ask_c()
{
    answer=$("$bin/acurast-peer" send --url "$url" --to "$key" --wait 1 --timeout 10s "$1")
    "$bin/acurast-peer" ping --url "$url" --count 5 --interval 1ms --json "$key" >"$work/ping"
    printf '%.3f\t%s\n' "$(sed -n 's/.*"median_ms": *\([0-9.]*\).*/\1/p' "$work/ping")" "$answer"
}

ask_node()
{
    "$node" "$here/bindings/node/examples/ask.mjs" "$url" "$key" "$1"
}

ask_python()
{
    "$python" "$here/bindings/python/examples/ask.py" "$url" "$key" "$1"
}

ask_go()
{
    "$go" "$url" "$key" "$1"
}

# ask NAME COMMAND QUESTION: a row of the table, and whether the answer is the question.
ask()
{
    if ! "$2" "$3" >"$work/answer" 2>>"$work/log"; then
        cat "$work/log" >&2
        printf 'no answer\t' >"$work/answer"
    fi
    answer=$(cut -f 2- "$work/answer")
    [ "$answer" = "$3" ] || wrong=1
    printf '  %-11s %-36s %8s ms\n' "$1" "$answer" "$(cut -f 1 "$work/answer")"
}

left_out()
{
    printf '  %-11s left out: %s\n' "$1" "$2"
}

# ready LANGUAGE: has its binding built; the program to run it with, or why there is none, are in files.
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
start_processor
echo
row service "$url"
row processor "$what"
row '' "$key"
echo
printf '  %-11s %-36s %11s\n' 'who asked' 'what came back' 'round trip'
ask C ask_c "What time is it on the phone?"
if [ -n "$node" ]; then
    ask Node ask_node "Are you there, says Node?"
else
    left_out Node "$(cat "$work/no_node")"
fi
if [ -n "$python" ]; then
    ask Python ask_python "Is this echo live, asks Python?"
else
    left_out Python "$(cat "$work/no_python")"
fi
if [ -n "$go" ]; then
    ask Go ask_go "Did you get this, asks Go?"
else
    left_out Go "$(cat "$work/no_go")"
fi
echo
exit $wrong
