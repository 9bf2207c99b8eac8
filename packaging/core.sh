#!/bin/sh
# The core as a static library for a target, with what it stands on, in one movable folder:  packaging/core.sh TARGET PREFIX
#
# PREFIX gets what deps.sh puts there, and the core: libacurast.a, acurast.pc and the headers; PREFIX/bin/TARGET-pkg-config then names all
# that a program has to link. With PROGRAMS=ON it gets the programs as well, which hold it all.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1 prefix=$2
sh "$here/deps.sh" "$target" "$prefix"
prefix=$(cd "$2" && pwd)
build=$prefix-core
# Not Release: its -O3 makes more code and no more speed.
cmake -S "$here/.." -B "$build" -G Ninja --log-level=WARNING -DCMAKE_TOOLCHAIN_FILE="$prefix/toolchain.cmake" -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_C_FLAGS="-O2 -g0 -DNDEBUG -ffunction-sections -fdata-sections ${CFLAGS:-}" -DACURAST_SHARED=OFF -DACURAST_TESTS=OFF \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_EXE_LINKER_FLAGS="-Wl,--gc-sections -Wl,-s ${LDFLAGS:-}" >/dev/null
[ "${PROGRAMS:-OFF}" = ON ] && what=all || what=acurast_static
cmake --build "$build" -j "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" --target $what -- --quiet
cp "$build/lib/libacurast.a" "$prefix/lib"
cp "$build/core/acurast.pc" "$prefix/lib/pkgconfig"
cp -R "$here/../core/include/acurast" "$prefix/include"
