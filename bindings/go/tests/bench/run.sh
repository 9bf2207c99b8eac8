#!/bin/sh
# Our client beside one in pure Go and the bare C client, in one run through one service for each round, as a table.
#
#   bindings/go/tests/bench/run.sh BUILD [ROUNDS] [TIME]
#
# BUILD is the folder of a CMake build with bin/ and lib/; TIME is go test's -benchtime. The contestants take turns; each figure is the median
# over the rounds, and so is each ratio, of figures of one round.
set -eu
build=$(cd "${1:?run.sh BUILD [ROUNDS] [TIME]}" && pwd)
rounds=${2:-5}
time=${3:-1s}
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go()
{
    sh ../../tools/go.sh "$build" "$@"
}

go test -c -o "$work/bench.test" .
go build -o "$work/table" ./table
while [ "$rounds" -gt 0 ]; do
    ACURAST_BIN=$build/bin "$work/bench.test" -test.run '^$' -test.bench . -test.benchtime "$time" >>"$work/said"
    rounds=$((rounds - 1))
done
"$work/table" <"$work/said"
