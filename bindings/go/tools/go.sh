#!/bin/sh
# Runs Go on this checkout:  sh bindings/go/tools/go.sh BUILD-FOLDER ARGUMENT...
#
# It is the system's Go, else one in the build folder that the system's has fetched as a module, by the checksum in toolchain/go.sum:
# Debian 12 has Go 1.19. Where there is none, one line says why.
#
# Go compiles files that include the core's sources, and does not see when these change: so their sum is in a compiler's flag. Another
# leaves out what only a debugger reads, which is a quarter of the time; CGO_CFLAGS='-g -O2' brings it back.
set -eu
oldest=21 # of 1.21
newer=v0.0.1-go1.26.8.linux-amd64
here=$(cd "$(dirname "$0")" && pwd)
core=$here/../../../core
mkdir -p "$1"
own=$(cd "$1" && pwd)/go
shift

sorry()
{
    echo "$1" >&2
    exit 1
}

new_enough() # GO
{
    minor=$("$1" version 2>/dev/null | sed -n 's/.*go1\.\([0-9]*\).*/\1/p')
    [ "${minor:-0}" -ge $oldest ]
}

# The module's files come without leave to be run.
fetch()
{
    command -v go >/dev/null 2>&1 || sorry "go is not installed"
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || sorry "go is older than 1.$oldest"
    rm -rf "$own" && mkdir -p "$own" && cp "$here"/toolchain/go.mod "$here"/toolchain/go.sum "$own"
    (cd "$own" && GOMODCACHE=$own/modules GOFLAGS='-mod=mod -modcacherw' go mod download "golang.org/toolchain@$newer") >"$own/log" 2>&1 ||
        sorry "go is older than 1.$oldest, and a newer one could not be fetched: $own/log"
    rm -rf "$own/modules/cache"
    chmod -R +x "$root/bin" "$root/pkg/tool"
}

root=$own/modules/golang.org/toolchain@$newer
if new_enough go; then
    :
else
    new_enough "$root/bin/go" || fetch
    unset GOROOT
    export PATH="$root/bin:$PATH"
fi
sum=$(find "$core/include" "$core/src" -name '*.[ch]' | LC_ALL=C sort | xargs cat | cksum | cut -d ' ' -f 1)
export CGO_CFLAGS="${CGO_CFLAGS:--g0 -O2} -DACURAST_SOURCES=$sum"
exec go "$@"
