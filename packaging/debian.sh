#!/bin/sh
# Debian packages of the tree as it stands, for the Debian or Ubuntu that this runs on:  packaging/debian.sh [OUTPUT-FOLDER]
#
# libacurast0, libacurast-dev and acurast-service, with their debugging symbols and the source package, go into the folder (dist).
# What was committed last dates them, or SOURCE_DATE_EPOCH; so the same tree gives the same bytes. lintian has no complaint.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "${1:-dist}"
out=$(cd "${1:-dist}" && pwd)
work=${BUILD:-build}/debian
version=$(sed -n 's/^#define ACURAST_VERSION "\(.*\)"/\1/p' core/include/acurast/version.h)
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
. /etc/os-release
revision=0+$ID$VERSION_ID # below any that Debian itself would have
tree=$work/acurast-$version

rm -rf "$work"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
    tar --null -T - --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw --mtime="@$SOURCE_DATE_EPOCH" \
        --transform "s#^#acurast-$version/#" -cf - | gzip -9n >"$work/acurast_$version.orig.tar.gz"
tar -xzf "$work/acurast_$version.orig.tar.gz" -C "$work"
cp -R packaging/debian "$tree/debian"

commas()
{
    paste -sd , | sed 's/,/, /g'
}

needs=$(sh core/cmake/requirements.sh list build)
build=$(echo "$needs" | grep -v build-essential | grep -v '^make$' | commas)
dev=$(echo "$needs" | grep -- '^lib.*-dev$' | grep -v libcap-dev | commas)
sed -e "s/@BUILD_DEPENDS@/$build/" -e "s/@DEV_DEPENDS@/$dev/" packaging/debian/control >"$tree/debian/control"
cat >"$tree/debian/changelog" <<CHANGELOG
acurast ($version-$revision) unstable; urgency=medium

  * Built from the sources of libacurast $version; see CHANGELOG.md.

 -- $(sed -n 's/^Maintainer: //p' packaging/debian/control)  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG

(
    cd "$tree"
    export DEB_BUILD_OPTIONS="parallel=${JOBS:-2} nocheck"
    dpkg-buildpackage --no-sign >../log 2>&1 || { tail -n 30 ../log >&2; exit 1; }
)
cp "$work"/*.deb "$work"/*.dsc "$work"/*.tar.* "$out"
if command -v lintian >/dev/null 2>&1; then
    lintian --fail-on warning --allow-root "$work"/*.changes
else
    echo "skipped: lintian is not installed"
fi
ls -l "$out"/*.deb
