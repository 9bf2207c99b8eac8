#!/bin/sh
# What the core stands on, as static libraries for a target:  packaging/deps.sh TARGET PREFIX
#
# TARGET is a row of targets.txt, compiled by zig, or `native`: the machine's own compiler ($CC) with $CFLAGS, for sanitizers.
# PREFIX gets include/, lib/ with pkgconfig/, licences/, and in bin/ the target's tools: TARGET-cc, -c++, -ar, -ranlib, and
# TARGET-pkg-config, which finds what is in PREFIX and nothing else, and links it statically. PREFIX can be moved, but for bin/.
# Where PREFIX is up to date nothing is done. What is fetched goes below $DIST (build/dist).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
target=$1
mkdir -p "$2" "${DIST:=build/dist}"
prefix=$(cd "$2" && pwd)
dist=$(cd "$DIST" && pwd)
work=$prefix/work
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/licences" "$prefix/stamps"
. "$here/tools.sh"

fetch()
{
    python3 "$here/fetch.py" "$dist" "$@"
}

# What a library is made of: where none of it has changed, it is not made again.
sum() # NAME
{
    { sed -n "/^\[source\.$1\]/,/^\$/p; /^\[tools\.ziglang\]/,/^\$/p" "$here/pins.toml"
        sed -n "/^build_$2()/,/^}/p; /^archive()/,/^}/p" "$here/deps.sh"
        echo "$target ${triple:-} $cc $flags ${OPENSSL_EXTRA:-}"; } | cksum
}

# Makes a library with what is said kept in a file, and tells how long it took.
make_library() # NAME
{
    function=$(echo "$1" | tr - _)
    [ "$(cat "$prefix/stamps/$1" 2>/dev/null)" != "$(sum "$1" "$function")" ] || return 0
    began=$(date +%s)
    source=$(fetch source "$1") || exit $?
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1"
    (cd "$work/$1" && set -e && "build_$function") >"$work/$1.log" 2>&1 &
    wait $! || { tail -n 15 "$work/$1.log" >&2; echo "$1 for $target failed: $work/$1.log" >&2; exit 1; }
    licences "$1"
    sum "$1" "$function" >"$prefix/stamps/$1"
    echo "$target: $1, $(($(date +%s) - began)) s"
}

licences() # NAME
{
    python3 - "$here/pins.toml" "$1" <<'PYTHON' | while read -r text; do
import sys, tomllib
print(*tomllib.load(open(sys.argv[1], "rb"))["source"][sys.argv[2]]["texts"], sep="\n")
PYTHON
        cp "$source/$text" "$prefix/licences/$1-$(basename "$text" .txt)"
    done
}

version() # NAME
{
    python3 -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb"))["source"][sys.argv[2]]["version"])' "$here/pins.toml" "$1"
}

# A library of C files that are compiled one by one.
archive() # NAME FLAG... < FILES
{
    name=$1
    shift
    mkdir objects
    xargs -P "$jobs" -I FILE sh -c 'file=$1; shift; exec "$@" -c "$file" -o "objects/$(echo "$file" | tr / _).o"' \
        sh FILE $cc $flags -w "$@"
    $ar rcs "$prefix/lib/$name.a" $(find objects -name '*.o' | LC_ALL=C sort)
}

describe() # NAME LIBRARY VERSION
{
    cat >"$prefix/lib/pkgconfig/$1.pc" <<PC
prefix=\${pcfiledir}/../..
Name: $1
Description: $1, as bundled
Version: $3
Libs: -L\${prefix}/lib -l$2 -pthread
Cflags: -I\${prefix}/include
PC
}

# Only what TLS 1.2 and 1.3 of today, certificates, P-256, X25519 and HKDF need. No files but certificates are read: neither
# configuration nor modules.
build_openssl()
{
    CC=$cc AR=$ar RANLIB=$ranlib perl "$source/Configure" "$openssl" --prefix=/usr --libdir=lib --openssldir=/etc/ssl \
        no-shared no-module no-dso no-engine no-tests no-apps no-docs no-legacy no-comp no-dtls no-srp no-srtp no-psk \
        no-cms no-cmp no-ts no-ocsp no-ct no-rfc3779 no-idea no-seed no-rc2 no-rc4 no-md4 no-mdc2 no-rmd160 no-whirlpool \
        no-bf no-cast no-camellia no-aria no-sm2 no-sm3 no-sm4 no-des no-scrypt no-siphash no-ec2m no-gost no-dsa \
        no-ml-dsa no-slh-dsa no-quic no-uplink no-autoload-config no-ui-console no-http no-ssl-trace no-multiblock \
        no-nextprotoneg no-siv no-ocb no-argon2 ${OPENSSL_EXTRA:-} $flags
    make -s -j"$jobs" build_libs
    make -s install_dev DESTDIR="$work/installed"
    cp -R "$work/installed/usr/include/." "$prefix/include"
    cp "$work/installed/usr/lib/libssl.a" "$work/installed/usr/lib/libcrypto.a" "$prefix/lib"
    describe libcrypto crypto "$(version openssl)"
    describe libssl ssl "$(version openssl)"
    echo 'Requires: libcrypto' >>"$prefix/lib/pkgconfig/libssl.pc"
}

# Without its configure script, whose probes for instructions that the core does not ask for take zig a libc each.
build_libsodium()
{
    cp -R "$source/src/libsodium/." .
    cp "$source/builds/msvc/version.h" include/sodium
    case $target in
    *macos) set -- -DHAVE_MEMSET_S=1 -DASM_HIDE_SYMBOL=.private_extern ;;
    *) set -- -DHAVE_SYS_RANDOM_H=1 -DASM_HIDE_SYMBOL=.hidden ;;
    esac
    find . -name '*.c' | sed 's#^\./##' | LC_ALL=C sort | archive libsodium "$@" -DCONFIGURED=1 -DSODIUM_STATIC=1 -D_GNU_SOURCE=1 \
        -DNATIVE_LITTLE_ENDIAN=1 -DHAVE_TI_MODE=1 -DHAVE_INLINE_ASM=1 -DHAVE_PTHREAD=1 -DHAVE_ATOMIC_OPS=1 -DHAVE_WEAK_SYMBOLS=1 \
        -DHAVE_MMAP=1 -DHAVE_MLOCK=1 -DHAVE_MADVISE=1 -DHAVE_MPROTECT=1 -DHAVE_POSIX_MEMALIGN=1 -DHAVE_SYS_MMAN_H=1 \
        -DHAVE_SYS_PARAM_H=1 -DHAVE_GETPID=1 -DHAVE_NANOSLEEP=1 -DHAVE_RAISE=1 -DHAVE_SYSCONF=1 -DHAVE_CATCHABLE_ABRT=1 \
        -DHAVE_CATCHABLE_SEGV=1 -DTLS=_Thread_local -Iinclude/sodium -Iinclude
    cp -R include/sodium include/sodium.h "$prefix/include"
    describe libsodium sodium "$(version libsodium)"
}

build_libuv()
{
    cmake -S "$source" -B . -G Ninja -DCMAKE_TOOLCHAIN_FILE="$prefix/toolchain.cmake" -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_C_FLAGS="$flags" -DLIBUV_BUILD_SHARED=OFF -DLIBUV_BUILD_TESTS=OFF -DLIBUV_BUILD_BENCH=OFF -DBUILD_TESTING=OFF
    cmake --build . -j "$jobs"
    cp libuv.a "$prefix/lib"
    cp -R "$source/include/." "$prefix/include"
    describe libuv uv "$(version libuv)"
    case $target in *linux*|native) sed -i 's/-luv/& -ldl -lrt/' "$prefix/lib/pkgconfig/libuv.pc" ;; esac
}

build_yajl()
{
    mkdir -p "$prefix/include/yajl"
    cp "$source/src"/api/*.h "$prefix/include/yajl"
    sed 's/\${YAJL_MAJOR}/2/; s/\${YAJL_MINOR}/1/; s/\${YAJL_MICRO}/0/' "$source/src/api/yajl_version.h.cmake" \
        >"$prefix/include/yajl/yajl_version.h"
    cp "$source"/src/*.[ch] .
    ls -- *.c | archive libyajl "-I$prefix/include" "-I$source/src"
    describe yajl yajl "$(version yajl)"
}

build_msgpack_c()
{
    cp -R "$source/include/." "$prefix/include"
    [ -f "$prefix/include/msgpack/sysdep.h" ] || for name in sysdep pack_template; do
        sed 's/@MSGPACK_ENDIAN_BIG_BYTE@/0/; s/@MSGPACK_ENDIAN_LITTLE_BYTE@/1/' "$source/cmake/$name.h.in" \
            >"$prefix/include/msgpack/$name.h"
    done
    cp "$source"/src/*.c .
    ls -- *.c | archive libmsgpackc "-I$prefix/include"
    describe msgpack msgpackc "$(version msgpack-c)"
}

for library in openssl libsodium libuv yajl msgpack-c; do
    make_library "$library"
done
rm -rf "$work"
