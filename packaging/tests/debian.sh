#!/bin/sh
# Installs the Debian packages in a bare system and uses them:  packaging/tests/debian.sh FOLDER-WITH-PACKAGES [SUITE]
#
# As root, on Linux with cgroup v2. The system is made by debootstrap once (build/roots/SUITE), and each run has a throw-away layer on it. A
# program is compiled against libacurast-dev; then systemd is started in namespaces of its own, without a network, and runs the service as
# it would on a machine: started, reloaded, hung, restarted by its watchdog, stopped, purged.
set -eu
cd "$(dirname "$0")/../.."
packages=$(cd "$1" && pwd)
suite=${2:-bookworm}
mkdir -p "${BUILD:-build}/roots"
base=$(cd "${BUILD:-build}/roots" && pwd)/$suite
version=$(sed -n 's/^#define ACURAST_VERSION "\(.*\)"/\1/p' core/include/acurast/version.h)
if [ -z "${ACURAST_INNER:-}" ]; then
    [ "$(id -u)" = 0 ] || { echo "skipped: the packages are installed by root alone"; exit 0; }
    if [ ! -e "$base/etc/debian_version" ]; then
        rm -rf "$base.new"
        debootstrap --variant=minbase --include=systemd,systemd-sysv "$suite" "$base.new" >"$base.log"
        mv "$base.new" "$base"
    fi
    exec unshare --mount env ACURAST_INNER=1 sh packaging/tests/debian.sh "$@"
fi

work=$(mktemp -d) first='' systemd='' passed=0
hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
box=$hierarchy/acurast-test-$$
end()
{
    status=$?
    trap - EXIT
    [ "$status" = 0 ] || inside journalctl --no-pager -o cat -u acurast-service 2>/dev/null | tail -n 20
    [ -z "$systemd" ] || kill -KILL "$systemd" # the first process of its namespace: the others go with it
    [ -z "$first" ] || wait "$first" || true
    umount "$work/packages" "$work" 2>/dev/null || umount -l "$work"
    rmdir "$work"
    find "$box" -depth -type d -exec rmdir {} + 2>/dev/null
    [ "$status" = 0 ] && echo "$passed passed, 0 failed" || echo "$passed passed, 1 failed"
    exit "$status"
}
trap end EXIT INT TERM

mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/overlay" "$work/root"
root=$work/root
mount -t overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/overlay" overlay "$root"
mkdir "$root/packages"
mount --bind "$packages" "$root/packages"

inside() # COMMAND...
{
    nsenter --target "$systemd" --mount --uts --ipc --net --pid --cgroup "$@"
}

check() # WHAT COMMAND...
{
    what=$1
    shift
    "$@" >"$work/output" 2>&1 || { echo "FAILED  $what"; cat "$work/output"; exit 1; }
    echo "ok      $what"
    passed=$((passed + 1))
}

apt()
{
    chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -y -qq -o APT::Install-Recommends=false "$@"
}

# ---- installed, without a service manager that runs ----

packages_of() # NAME...: their files, as the system in there sees them
{
    for name; do
        (cd "$root" && echo "$PWD/packages/${name}_$version"-*.deb | sed "s#$root##")
    done
}

installs()
{
    apt update && apt install $(packages_of libacurast0 acurast-service)
}

check "the library and the service are installed, without -dev packages" installs
check "no -dev package came along" sh -c "! chroot '$root' dpkg -l | grep '^ii  lib.*-dev'"
check "the user is there" chroot "$root" getent passwd acurast
check "its settings are a conffile" grep -q /etc/default/acurast-service "$root/var/lib/dpkg/info/acurast-service.conffiles"
check "both programs run" chroot "$root" sh -c 'acurast-service --version && acurast-peer --version && acurast-peer keygen >/dev/null'

# ---- under systemd ----

# A container as systemd wants it: /dev holds what every program needs, and no terminal.
boot()
{
    mkdir "$box"
    echo $$ >"$box/cgroup.procs"
    unshare --mount --pid --fork --uts --ipc --cgroup --net --kill-child sh -c '
        set -e
        cd "$1"
        mount -t proc proc proc
        mount -t sysfs -o ro sysfs sys
        mount -t cgroup2 cgroup2 sys/fs/cgroup
        mount -t tmpfs tmpfs dev
        for name in null zero full random urandom tty; do touch "dev/$name" && mount --bind "/dev/$name" "dev/$name"; done
        mkdir dev/pts dev/shm
        mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
        ln -s pts/ptmx dev/ptmx
        mount -t tmpfs tmpfs run
        mkdir old
        pivot_root . old
        umount -l old
        exec env -i container=acurast PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=multi-user.target \
            >/dev/null 2>&1 </dev/null' sh "$root" 2>"$work/boot.log" &
    first=$!
    echo $$ >"$hierarchy/cgroup.procs"
}

within() # SECONDS COMMAND...: until it succeeds
{
    end_at=$(($(date +%s) + $1))
    shift
    while ! "$@"; do
        [ "$(date +%s)" -lt "$end_at" ] || return 1
        sleep 0.2
    done
}

shows() # PROPERTY PATTERN
{
    inside systemctl show -p "$1" --value acurast-service | grep -q -- "$2"
}

find_systemd()
{
    systemd=$(cat "/proc/$first/task/$first/children" 2>/dev/null | tr -d ' ')
    [ -n "$systemd" ] && inside systemctl list-units >/dev/null
}

healthy()
{
    inside sh -c '. /etc/default/acurast-service; export ACURAST_SERVICE_ADMIN_LISTEN; acurast-service --healthcheck'
}

main_pid()
{
    inside systemctl show -p MainPID --value acurast-service
}

# The program's process id out here: the one child of systemd with that name.
outer_pid()
{
    for child in $(cat "/proc/$systemd/task/"*/children); do
        [ "$(cat "/proc/$child/comm")" != acurast-service ] || echo "$child"
    done
}

ask()
{
    inside timeout 30 sh -c '
        cd /tmp && acurast-peer keygen --out key
        key=$(acurast-peer id --key key | sed -n "s/^public-key //p")
        export ACURAST_PEER_URL=ws://127.0.0.1:9001
        acurast-peer serve --key key --exec "echo 42" answer & server=$!
        until acurast-peer look "$key"; do sleep 0.1; done
        answer=$(acurast-peer request "$key" answer)
        kill $server; wait $server
        [ "$answer" = 42 ]'
}

configure() # FILE-OF-SETTINGS: a drop-in of the unit
{
    inside sh -c 'mkdir -p /etc/systemd/system/acurast-service.service.d
        cat >/etc/systemd/system/acurast-service.service.d/test.conf && systemctl daemon-reload'
}

hang()
{
    before=$(main_pid)
    kill -STOP "$(outer_pid)"
    within 20 shows NRestarts '^1$' && within 10 shows ActiveState '^active$' && [ "$(main_pid)" != "$before" ]
}

low_port()
{
    configure <<UNIT
[Service]
WatchdogSec=2s
Environment=ACURAST_SERVICE_NAME=a.example:443
ExecStart=
ExecStart=/usr/bin/acurast-service --listen 127.0.0.1:443
UNIT
    inside systemctl restart acurast-service && shows StatusText 'listening on ws://127.0.0.1:443'
}

port_in_use()
{
    configure <<UNIT
[Service]
Restart=no
ExecStart=
ExecStart=/usr/bin/acurast-service --listen 127.0.0.1:9002 --admin-listen 127.0.0.1:9002
UNIT
    ! inside systemctl restart acurast-service && shows StatusText 'start: .*in use' && shows Result exit-code
}

secure()
{
    inside systemd-analyze security --threshold=16 acurast-service
}

boot
check "systemd starts" within 60 find_systemd
check "the service is ready, and says where it listens" within 30 shows StatusText 'listening on ws://127.0.0.1:9001'
check "it is active, of Type=notify" shows ActiveState '^active$'
check "it runs as its user" sh -c "[ \"\$(stat -c %u /proc/$(outer_pid))\" = \"\$(chroot '$root' id -u acurast)\" ]"
check "its health check says ready" healthy
check "a dApp asks a processor" ask
check "it may have many descriptors" shows LimitNOFILE '^262144$'
check "systemd-analyze security is content" secure
check "a reload ends" inside systemctl reload acurast-service
check "and is told" within 10 shows StatusText 'the files were read again'
check "a port below 1024" low_port
check "the watchdog starts it anew when it hangs" hang
check "a start that fails is told with its reason" port_in_use
inside rm -r /etc/systemd/system/acurast-service.service.d
inside systemctl daemon-reload
check "it starts again" inside systemctl start acurast-service
check "and stops" inside systemctl stop acurast-service
check "by itself, in time" shows Result '^success$'
check "its log has no complaint" sh -c "! nsenter --target $systemd --mount --pid journalctl -o cat -u acurast-service | grep 'level=error.*what=\(stalled\|reload\)'"
check "it is purged" inside env DEBIAN_FRONTEND=noninteractive apt-get -y -qq purge acurast-service libacurast0
check "and leaves nothing" sh -c "[ -z \"\$(cd '$root' && find etc lib/systemd usr var/lib/systemd -iname '*acurast*' | grep -v sysusers)\" ]"

# ---- developed with ----

cat >"$root/tmp/user.c" <<'C'
#include <acurast/acurast.h>

int main(void)
{
    acurast_identity *identity = 0;
    acurast_status status = acurast_identity_generate(ACURAST_KEY_P256, &identity);
    acurast_identity_release(identity);
    return status != ACURAST_OK || acurast_version_number() != ACURAST_VERSION_NUMBER;
}
C
develops()
{
    apt install gcc libc6-dev pkg-config $(packages_of libacurast0 libacurast-dev) &&
        chroot "$root" sh -c 'cd /tmp && cc -Wall -Werror -o shared user.c $(pkg-config --cflags --libs acurast) && ./shared'
}

check "a C program is compiled against libacurast-dev and runs" develops
check "and one with the static library" chroot "$root" sh -c 'cd /tmp &&
    cc -o static user.c -Wl,-Bstatic $(pkg-config --cflags --libs acurast) -Wl,-Bdynamic \
        $(pkg-config --static --libs acurast | sed "s/-lacurast//") && ./static && ! ldd static | grep libacurast'
