#!/bin/sh
# The C suite on the bundled libraries, these too under a sanitizer, so that it sees inside them:
#
#   packaging/tests/instrumented.sh address|thread [FOLDER]
#
# OpenSSL is built without its assembler, which no sanitizer sees. Some minutes for each, and seconds for what is there already.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
which=${1:?address or thread}
folder=${2:-$top/build/instrumented-$which}
case $which in
address) ours=address,undefined ;; # what the libraries do with types of their own is their business
thread) ours=thread ;;
*) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

mkdir -p "$folder"
cd "$top"
CFLAGS="-g -fno-omit-frame-pointer -fsanitize=$which" OPENSSL_EXTRA=no-asm sh packaging/deps.sh native "$folder/prefix"
# A test that puts functions of its own before a library's is linked, with the first of each name, and left out below.
PKG_CONFIG_PATH=$folder/prefix/lib/pkgconfig cmake -S . -B "$folder/core" -G Ninja --log-level=WARNING -DACURAST_TESTS=ON \
    -DACURAST_SANITIZE="$ours" -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-multiple-definition >/dev/null
cmake --build "$folder/core" -- --quiet
if ldd "$folder/core/bin/acurast-service" | grep -E 'libssl|libcrypto|libuv|libsodium|yajl|msgpack'; then
    echo "the system's libraries were linked" >&2
    exit 1
fi
export ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS="suppressions=$top/tests/support/lsan.supp" UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="suppressions=$top/tests/support/tsan.supp:halt_on_error=0"
echo "left out: unit/crypto_secret, which watches the functions of a shared libsodium from outside"
exec setarch "$(uname -m)" -R ctest --test-dir "$folder/core" --output-on-failure -E unit/crypto_secret -j "$(getconf _NPROCESSORS_ONLN)"
