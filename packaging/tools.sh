# shellcheck shell=sh
#
# The compiler and its companions for a target; read by deps.sh, which has set here, dist, target and prefix. Sets cc, ar, ranlib, flags
# and openssl (the target's name in OpenSSL), and writes PREFIX/bin and PREFIX/toolchain.cmake, for CMake.
#
# zig is reached through scripts without a path in their names, and is told to forget the folders: what is built holds neither.

tool() # NAME COMMAND
{
    printf '#!/bin/sh\n%s\n' "$2" >"$prefix/bin/$target-$1"
    chmod +x "$prefix/bin/$target-$1"
}

mkdir -p "$prefix/bin"
export SOURCE_DATE_EPOCH=315532800 # OpenSSL says when it was built, which is to be nothing of ours
flags="-O2 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections"
if [ "$target" = native ]; then
    cc=${CC:-cc} ar=ar ranlib=ranlib
    flags="$flags ${CFLAGS:--g0 -DNDEBUG}"
    openssl=linux-$(uname -m)
    system=$(uname -s) processor=$(uname -m)
    tool cc "exec $cc \"\$@\""
else
    set -- $(awk -v name="$target" '$1 == name' "$here/targets.txt")
    [ $# = 6 ] || { echo "$target is no row of targets.txt" >&2; exit 2; }
    triple=$2 openssl=$3 processor=${1%%-*}
    flags="$flags -g0 -DNDEBUG"
    root=$(python3 "$here/fetch.py" "$dist" tools)
    zig=$(echo "$root"/lib/python*/site-packages/ziglang/zig)
    cache="export ZIG_GLOBAL_CACHE_DIR=$dist/zig ZIG_LOCAL_CACHE_DIR=$dist/zig"
    map="-ffile-prefix-map=$dist=. -ffile-prefix-map=$prefix=. -ffile-prefix-map=$(dirname "$here")=."
    case $target in
    *macos) system=Darwin ;;
    *) system=Linux ;;
    esac
    case $openssl in darwin64-*) openssl=$openssl-cc ;; esac
    tool cc "$cache
exec $zig cc -target $triple -fno-sanitize=undefined $map \"\$@\""
    tool c++ "$cache
exec $zig c++ -target $triple -fno-sanitize=undefined $map \"\$@\""
    tool ar "exec $zig ar \"\$@\""
    tool ranlib "exec $zig ranlib \"\$@\""
    cc=$target-cc ar=$target-ar ranlib=$target-ranlib
    export PATH="$prefix/bin:$PATH"
fi
# ACURAST_PC names a folder that is looked at first.
tool pkg-config "export PKG_CONFIG_LIBDIR=\${ACURAST_PC:+\$ACURAST_PC:}$prefix/lib/pkgconfig PKG_CONFIG_PATH=
exec pkg-config --static \"\$@\""

cat >"$prefix/toolchain.cmake" <<CMAKE
$([ "$target" = native ] || echo "set(CMAKE_SYSTEM_NAME $system)
set(CMAKE_SYSTEM_PROCESSOR $processor)
set(CMAKE_C_COMPILER_AR $prefix/bin/$ar)
set(CMAKE_C_COMPILER_RANLIB $prefix/bin/$ranlib)
set(CMAKE_AR $prefix/bin/$ar)
set(CMAKE_RANLIB $prefix/bin/$ranlib)")
set(CMAKE_C_COMPILER $prefix/bin/$target-cc)
set(PKG_CONFIG_EXECUTABLE $prefix/bin/$target-pkg-config)
set(CMAKE_FIND_ROOT_PATH $prefix)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
$([ "$system" != Darwin ] || echo 'set(CMAKE_OSX_SYSROOT "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "")
set(CMAKE_OSX_ARCHITECTURES "")')
CMAKE
