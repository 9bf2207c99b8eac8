#!/bin/sh
# The whole of it on one machine:  core/tools/demo.sh FOLDER-OF-THE-PROGRAMS
# A service on a free port, a processor that echoes, and a dApp that asks it. Ends by itself and leaves nothing running.
set -eu
bin=$1
work=$(mktemp -d)
service='' processor=''

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

"$bin/acurast-peer" keygen --out "$work/processor.pem" >"$work/key"
key=$(awk '$1 == "public-key" { print $2 }' "$work/key")

"$bin/acurast-service" --listen 127.0.0.1:0 >"$work/service" 2>>"$work/log" &
service=$!
wait_for '^listening on' "$work/service" $service
url=$(awk '/^listening on/ { print $3; exit }' "$work/service")

"$bin/acurast-peer" listen --echo --quiet --json --url "$url" --key "$work/processor.pem" >"$work/processor" 2>>"$work/log" &
processor=$!
wait_for '"connected"' "$work/processor" $processor

question="What time is it on the phone?"
answer=$("$bin/acurast-peer" send --url "$url" --to "$key" --wait 1 --timeout 10s "$question" 2>>"$work/log")
"$bin/acurast-peer" ping --url "$url" --count 5 --interval 100ms --json "$key" >"$work/ping" 2>>"$work/log"

echo
row service "$url"
row processor "$key (echoes)"
row dApp "asks:    $question"
row '' "answer:  $answer"
awk -F '[:,} ]+' '
    { for (i = 1; i < NF; i++) if ($i == "\"ms\"") printf "  %-11s %8.3f ms\n", (NR == 1 ? "round trips" : ""), $(i + 1)
      for (i = 1; i < NF; i++) if ($i == "\"median_ms\"") printf "  %-11s %8.3f ms\n", "median", $(i + 1) }' "$work/ping"
echo
[ "$answer" = "$question" ]
