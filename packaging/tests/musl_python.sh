#!/bin/sh
# A bare system with musl and a CPython built for it:  packaging/tests/musl_python.sh TARGET PREFIX FOLDER
#
# PREFIX is what core.sh made for the target; its compiler builds. Some minutes, once: FOLDER is kept. The loader is Debian's package musl.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1 prefix=$(cd "$2" && pwd)
mkdir -p "$3"
folder=$(cd "$3" && pwd)
[ ! -f "$folder/.python" ] || exit 0
dist=$(cd "${DIST:-build/dist}" && pwd)
source=$(python3 "$here/../fetch.py" "$dist" source python)
work=$folder.work
rm -rf "$work"
mkdir -p "$work" "$folder/lib" "$folder/tmp"

# zig links musl statically where it is not told otherwise, and takes a time in a source for an error. The modules are inside the program:
# those that are built apart would take this machine's headers.
printf '#!/bin/sh\nexec %s/bin/%s-cc -dynamic -Wno-date-time "$@"\n' "$prefix" "$target" >"$work/cc"
chmod +x "$work/cc"
cd "$work"
CC=$work/cc AR=$prefix/bin/$target-ar RANLIB=$prefix/bin/$target-ranlib READELF=$(command -v readelf) "$source/configure" -q \
    --host="${target%%-*}-linux-musl" --build="$(uname -m)-linux-gnu" --with-build-python="$(python3 -c 'import sys; print(sys.executable)')" \
    --prefix=/usr --without-ensurepip --disable-test-modules --disable-ipv6 --without-doc-strings \
    ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no LDFLAGS=-Wl,-export-dynamic CFLAGS='-O1 -g0'
cat >Modules/Setup.local <<MODULES
*static*
_asyncio _asynciomodule.c
_bisect _bisectmodule.c
_contextvars _contextvarsmodule.c
_csv _csv.c
_datetime _datetimemodule.c
_heapq _heapqmodule.c
_json _json.c
_md5 md5module.c
_opcode _opcode.c
_pickle _pickle.c
_posixsubprocess _posixsubprocess.c
_queue _queuemodule.c
_random _randommodule.c
_sha1 sha1module.c
_sha256 sha256module.c
_sha512 sha512module.c
_socket socketmodule.c
_statistics _statisticsmodule.c
_struct _struct.c
_typing _typingmodule.c
array arraymodule.c
fcntl fcntlmodule.c
math mathmodule.c
select selectmodule.c
MODULES
for _ in 1 2; do # the first writes the Makefile anew
    make -s -j"${JOBS:-2}" python >make.log 2>&1 || { tail -n 5 make.log >&2; exit 1; }
done
mkdir -p "$folder/usr/bin" "$folder/usr/lib/python3.11"
cp python "$folder/usr/bin/python3.11"
cp -R "$source/Lib/." "$folder/usr/lib/python3.11"
rm -rf "$work"
touch "$folder/.python"
