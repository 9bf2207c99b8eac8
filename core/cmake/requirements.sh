#!/bin/sh
# Sees to it that what a task needs is there:  core/cmake/requirements.sh build|demo|test|attack|lint|fuzz|valgrind|bench|deb|deb_test|docs ...
# Prints the packages that a task needs:       core/cmake/requirements.sh list TASK
#
# A need is a probe that works on any system and the Debian package that answers it. Where every probe succeeds
# nothing is run or printed. Else the missing packages are installed with apt-get, as root or through sudo; where
# that cannot be, they are listed, and the script fails if one of them cannot be done without.
set -eu

# probe                    package                  ("?" in front: the task does less without it)
build='
tool:cc                    build-essential
tool:make                  build-essential
tool:cmake                 cmake
tool:ninja                 ninja-build
tool:pkg-config            pkg-config
module:libsodium           libsodium-dev
module:msgpack|msgpack-c   libmsgpack-dev
module:libuv               libuv1-dev
module:yajl                libyajl-dev
module:libcrypto           libssl-dev
'
demo="$build
?venv:python3              python3-venv
?header:Python.h           python3-dev
?tool:node                 nodejs
?tool:npm                  npm
?tool:go                   golang-go
"
test="$build
module:cmocka              libcmocka-dev
tool:openssl               openssl
?venv:python3              python3-venv
?header:Python.h           python3-dev
?tool:node                 nodejs
?tool:npm                  npm
?tool:go                   golang-go
?tool:chromium             chromium
?tool:man                  man-db
?tool:zsh                  zsh
?tool:fish                 fish
"
attack='
venv:python3               python3-venv
'
bench="$build
module:libwebsockets       libwebsockets-dev
debian:libwebsockets-evlib-uv libwebsockets-evlib-uv
debian:libcap-dev          libcap-dev
module:cmocka              libcmocka-dev
tool:openssl               openssl
tool:python3               python3
?venv:python3              python3-venv
?header:Python.h           python3-dev
?tool:node                 nodejs
?tool:npm                  npm
?tool:go                   golang-go
?module:libnats            libnats-dev
"
lint="$test
?module:libwebsockets      libwebsockets-dev
?debian:libcap-dev         libcap-dev
tool:g++                   build-essential
tool:clang-14              clang-14
tool:clang-tidy-14         clang-tidy-14
tool:clang-format-14       clang-format-14
tool:python3               python3
"
fuzz="$build
tool:clang-14              clang-14
debian:libclang-rt-14-dev  libclang-rt-14-dev
?tool:llvm-symbolizer-14   llvm-14
"
dist='
tool:cmake                 cmake
tool:ninja                 ninja-build
tool:pkg-config            pkg-config
tool:make                  make
tool:perl                  perl
tool:git                   git
tool:dpkg-source           dpkg-dev
venv:python3               python3-venv
header:Python.h            python3-dev
tool:npm                   npm
'
dist_test="$dist
tool:debootstrap           debootstrap
tool:qemu-aarch64-static   qemu-user-static
tool:openssl               openssl
tool:node                  nodejs
?tool:go                   golang-go
"
valgrind="$test
tool:valgrind              valgrind
debian:libc6-dbg           libc6-dbg
"

deb="$build
tool:dh                    debhelper
tool:dpkg-buildpackage     dpkg-dev
tool:fakeroot              fakeroot
?tool:lintian              lintian
"
docs="$build
venv:python3               python3-venv
header:Python.h            python3-dev
tool:npm                   npm
tool:node                  nodejs
tool:doxygen               doxygen
tool:chromium              chromium
"
deb_test="
tool:debootstrap           debootstrap
tool:unshare               util-linux
"

have_module()
{
    command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "$1"
}

is_there()
{
    case $1 in
    tool:*) command -v "${1#tool:}" >/dev/null 2>&1 ;;
    module:*"|"*) have_module "$(echo "${1#module:}" | cut -d'|' -f1)" || have_module "${1#*|}" ;;
    module:*) have_module "${1#module:}" ;;
    venv:*) command -v "${1#venv:}" >/dev/null 2>&1 && "${1#venv:}" -c 'import venv, ensurepip' 2>/dev/null ;;
    header:*) python3 -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], sys.argv[1])))' "${1#header:}" 2>/dev/null ;;
    debian:*) ! command -v dpkg-query >/dev/null 2>&1 ||
        dpkg-query -W -f '${Status}' "${1#debian:}" 2>/dev/null | grep -q '^install ok' ;;
    esac
}

# Sets `missing` (packages) and `vital` (those of them that the task cannot do without).
look()
{
    missing='' vital=''
    while read -r probe package; do
        [ -n "$probe" ] || continue
        is_there "${probe#\?}" && continue
        case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
        case $probe in "?"*) ;; *) vital="$vital $package" ;; esac
    done <<LIST
$1
LIST
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

can_install()
{
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null 2>&1 || return 1
    sudo -n true 2>/dev/null && return 0
    [ -t 0 ] && sudo -v
}

install_packages()
{
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    get='apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3'
    if ! as_root $get update >"$log" 2>&1 ||
        ! as_root $get install --no-install-recommends "$@" >>"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

if [ "${1:-}" = list ]; then
    eval "needs=\${$2:?no such task}"
    echo "$needs" | awk 'NF { print $2 }' | sort -u
    exit
fi
for task; do
    eval "needs=\${$task:?no such task}"
    look "$needs"
    [ -n "$missing" ] || continue
    if can_install; then
        echo "installing for $task:$missing" >&2
        # The vital ones first and alone, so that an optional one that cannot be had does not take them along.
        [ -z "$vital" ] || install_packages $vital || echo "apt-get could not install them" >&2
        look "$needs"
        [ -z "$missing" ] || install_packages $missing || echo "apt-get could not install$missing" >&2
        look "$needs"
    fi
    [ -z "$missing" ] || echo "missing for $task (names of Debian packages):$missing" >&2
    [ -z "$vital" ] || { echo "cannot go on without:$vital" >&2; exit 1; }
done
