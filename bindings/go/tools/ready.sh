#!/bin/sh
# Makes the binding ready to be run from the checkout:  sh bindings/go/tools/ready.sh BUILD-FOLDER
#
# Builds the examples that ask and prints their folder. Where that cannot be, one line says why.
set -eu
mkdir -p "$1/logs"
build=$(cd "$1" && pwd)
log=$build/logs/go_ready.txt
cd "$(dirname "$0")/.."

go()
{
    sh tools/go.sh "$build" "$@"
}

go version >/dev/null
go build -buildvcs=false -o "$build/go-examples/" ./examples/ask ./examples/askmany >"$log" 2>&1 || {
    echo "the examples could not be built: $log" >&2
    exit 1
}
echo "$build/go-examples"
