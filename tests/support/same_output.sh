#!/bin/sh
# A file holds exactly what a command prints:  same_output.sh FILE COMMAND...
set -eu
file=$1
shift
"$@" | diff "$file" -
