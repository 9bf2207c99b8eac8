#!/bin/sh
# Makes the binding ready to be run from the checkout:  sh bindings/python/tools/ready.sh BUILD-FOLDER
#
# Prints the Python to run it with: one that has the binding, else that of a virtual environment in the build folder, into
# which it is installed. Where that cannot be, one line says why.
set -eu
mkdir -p "$1/logs"
build=$(cd "$1" && pwd)
log=$build/logs/python_ready.txt
venv=$build/venv-binding
cd "$(dirname "$0")/.."

sorry()
{
    echo "$1" >&2
    exit 1
}

has_it()
{
    (cd / && "$1" -c 'from acurast import connect') >/dev/null 2>&1
}

for python in "$venv/bin/python" python3; do
    has_it "$python" && echo "$python" && exit
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || sorry "python3 is missing, or older than 3.10"
python=$venv/bin/python
{ [ -x "$python" ] || python3 -m venv "$venv"; } >"$log" 2>&1 || sorry "python3 cannot make a virtual environment: $log"
"$python" -m pip install -q --disable-pip-version-check . >>"$log" 2>&1 || sorry "pip could not install the binding: $log"
has_it "$python" || sorry "the binding was installed and does not load: $log"
echo "$python"
