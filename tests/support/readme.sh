#!/bin/sh
# The C example of the README, taken from the page, does what the page says: it asks a processor through a
# service and prints the answer.  readme.sh BUILD-FOLDER SOURCE-FOLDER C-COMPILER C-FLAGS
set -eu
build=$1
source=$2
cc=$3
flags=${4:-}
work=$(mktemp -d)
service='' processor=''

end()
{
    for pid in $processor $service; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap end EXIT

wait_for() # PATTERN FILE PID
{
    tries=600
    until grep -q "$1" "$2" 2>/dev/null; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] && kill -0 "$3" 2>/dev/null || { cat "$2"; exit 1; }
        sleep 0.05
    done
}

awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$source/README.md" >"$work/example.c"
"$cc" -std=c11 -Wall -Wextra -Werror $flags -I"$source/core/include" -o "$work/example" "$work/example.c" \
    -L"$build/lib" -Wl,-rpath,"$build/lib" -lacurast

"$build/bin/acurast-service" --listen 127.0.0.1:0 >"$work/service" &
service=$!
wait_for '^listening on' "$work/service" $service
url=$(awk '{ print $3; exit }' "$work/service")
key=$("$build/bin/acurast-peer" keygen --out "$work/key.pem" | awk '$1 == "public-key" { print $2 }')
"$build/bin/acurast-peer" serve --url "$url" --key "$work/key.pem" --exec cat echo 2>"$work/processor" &
processor=$!
wait_for 'connected to' "$work/processor" $processor

answer=$("$work/example" "$url" "$key" echo '["to be, or not to be"]')
[ "$answer" = 'success: ["to be, or not to be"]' ] || { echo "the answer was: $answer"; exit 1; }
answer=$("$work/example" "$url" "$(printf '%032d' 1)" echo '[]')
[ "$answer" = 'the recipient is not here, and has no mailbox: ' ] || { echo "the answer was: $answer"; exit 1; }
