#!/bin/sh
# A bare system of Debian in a folder, unpacked and not set up:  packaging/tests/bare.sh SUITE ARCHITECTURE FOLDER PACKAGE...
#
# It has the packages and what they depend on, nothing that is recommended, and no -dev package. Another architecture runs under qemu.
set -eu
suite=$1 architecture=$2 folder=$3
shift 3
[ "$(cat "$folder/.ready" 2>/dev/null)" != "$*" ] || exit 0
rm -rf "$folder" "$folder.apt"
apt=$folder.apt
mkdir -p "$folder" "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/*$' | sort -u | while read -r place; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $place $suite main"
done >"$apt/list"
get="apt-get -qq -oDir::Etc::sourcelist=$apt/list -oDir::Etc::sourceparts=$apt/parts -oDir::State=$apt/state -oDir::Cache=$apt/cache
    -oDir::State::status=/dev/null -oAPT::Sandbox::User=root -oAPT::Architecture=$architecture -oAPT::Architectures=$architecture
    -oAPT::Install-Recommends=false -oAcquire::Retries=3"
$get update
$get install -y --download-only "$@" >/dev/null
if [ "$suite" != bookworm ]; then # its packages expect the folders of / to be links
    for name in bin sbin lib lib64; do
        mkdir -p "$folder/usr/$name"
        ln -s "usr/$name" "$folder/$name"
    done
fi
for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$folder"
done
mkdir -p "$folder/tmp" "$folder/proc" "$folder/dev" "$folder/etc"
mknod -m 666 "$folder/dev/null" c 1 3
mknod -m 666 "$folder/dev/urandom" c 1 9
echo '127.0.0.1 localhost' >"$folder/etc/hosts"
rm -rf "$apt"
echo "$*" >"$folder/.ready"
