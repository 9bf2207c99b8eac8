#!/bin/sh
# What is installed can be used: by pkg-config, and by CMake with either library, after the tree was moved.
#   installed.sh BUILD-FOLDER SOURCE-FOLDER C-COMPILER
set -eu
build=$1
source=$2
cc=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" >"$work/log" || { cat "$work/log"; exit 1; }
mv "$work/first" "$work/moved"
[ -z "$(find "$work/moved" -name '*.go')" ] || { echo "a placeholder of Go was installed"; exit 1; }
prefix=$work/moved

cat >"$work/user.c" <<'C'
#include <acurast/acurast.h>

#include <stdio.h>

int main(void)
{
    acurast_identity *identity = NULL;
    acurast_status status = acurast_identity_generate(ACURAST_KEY_P256, &identity);

    printf("%s %s\n", acurast_version(), acurast_status_name(status));
    acurast_identity_release(identity);
    return acurast_version_number() != ACURAST_VERSION_NUMBER || status != ACURAST_OK;
}
C

folder=$(dirname "$(find "$prefix" -name acurast.pc)")
flags=$(PKG_CONFIG_PATH=$folder pkg-config --cflags --libs acurast)
"$cc" -Wall -Werror -o "$work/by_pkg_config" "$work/user.c" $flags
LD_LIBRARY_PATH=$(dirname "$folder") "$work/by_pkg_config"

mkdir "$work/cmake"
cat >"$work/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(acurast 0.1 REQUIRED)
add_executable(by_shared ../user.c)
target_link_libraries(by_shared PRIVATE acurast::acurast)
add_executable(by_static ../user.c)
target_link_libraries(by_static PRIVATE acurast::acurast_static)
CMAKE
cmake -S "$work/cmake" -B "$work/cmake/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    >"$work/log" 2>&1 && cmake --build "$work/cmake/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/cmake/build/by_shared"
"$work/cmake/build/by_static"

# The programs find the installed library by themselves.
for program in acurast-service acurast-peer; do
    env -u LD_LIBRARY_PATH "$prefix/bin/$program" --version
done

# Their manual pages and completions are where man and the shells look.
for file in man/man8/acurast-service.8 man/man1/acurast-peer.1 bash-completion/completions/acurast-service \
    bash-completion/completions/acurast-peer zsh/site-functions/_acurast-service zsh/site-functions/_acurast-peer \
    fish/vendor_completions.d/acurast-service.fish fish/vendor_completions.d/acurast-peer.fish; do
    [ -s "$prefix/share/$file" ] || { echo "share/$file was not installed"; exit 1; }
done
