#!/bin/sh
# Runs suites of tests and sums them up:  tests/run.sh c|python|hostile|attack|chaos|node|binding_python|binding_node|binding_go|dist|deb|lint|
#                                              address|address_node|address_go|thread|race_go|valgrind|fuzz ...
#
# The last line is `N passed, N failed` (and `, N skipped`, each with its reason above), summed over every runner that
# took part; the exit status is not 0 if anything failed. `tests/run.sh sum FILE` only adds up what earlier runs
# appended to the file that ACURAST_RESULTS names. Usually called by `make`, after the requirements were looked at.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
JOBS=${JOBS:-2}
processes=$((JOBS + 1)) # of pytest and of node:test: most of their tests wait for a program
waiting=$((2 * JOBS + 1)) # of pytest, where nothing is measured: these wait more than they compute
programs=$((3 * JOBS)) # of ctest, at once: the long ones wait for time-outs
FUZZ_SECONDS=${FUZZ_SECONDS:-60}
ATTACK_SECONDS=${ATTACK_SECONDS:-60}
CHAOS_SECONDS=${CHAOS_SECONDS:-60}
results=${ACURAST_RESULTS:-}
passed=0 failed=0 skipped=0
still='' # what a command is run under
ahead='' # the process that makes things ready for later suites
background='' # what it is run under

count()
{
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    [ -z "$results" ] || echo "$1 $2 $3" >>"$results"
}

# The process and all that it has started get their usual share of the processor.
hasten() # PROCESS
{
    chrt --all-tasks --other --pid 0 "$1" 2>/dev/null
    for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
        hasten "$child"
    done
}

# Whether there is a way to get only what nobody else wants, and one back.
can_hasten()
{
    chrt --idle 0 sh -c 'chrt --other --pid 0 $$ && [ -r /proc/$$/task/$$/children ]' 2>/dev/null
}

# What is measured, and whatever needs what is made ahead, has the machine to itself.
settled()
{
    [ -n "$ahead" ] || return 0
    [ -z "$background" ] || hasten "$ahead"
    wait "$ahead"
    ahead=''
}

title()
{
    printf '\n== %s\n' "$*"
}

skip()
{
    echo "skipped: $*"
    count 0 0 1
}

fail()
{
    echo "FAILED: $*"
    count 0 1 0
}

# logged FILE COMMAND...: shows what the command says, keeps it in FILE, returns its status.
logged()
{
    log=$1
    shift
    mkdir -p "$(dirname "$log")"
    rm -f "$log.status"
    { "$@" 2>&1; echo $? >"$log.status"; } | tee "$log"
    return "$(cat "$log.status")"
}

compile() # DIRECTORY CMAKE-OPTION...
{
    directory=$1
    shift
    cmake -S . -B "$directory" -G Ninja --log-level=WARNING -DACURAST_TESTS=ON "$@" >/dev/null &&
        cmake --build "$directory" -j "$JOBS" || {
        fail "the build in $directory"
        return 1
    }
}

# The C tests report each cmocka case; a test that is no cmocka program counts as one.
count_ctest() # LAST-TEST-LOG STATUS
{
    set -- "$2" $(awk '
        / Testing: /                     { p = f = s = seen = 0; verdict = "" }
        /^\[  PASSED  \] [0-9]+ test/    { p += $4; seen = 1 }
        /^\[  FAILED  \] [0-9]+ test/    { f += $4; seen = 1 }
        /^\[  SKIPPED \] [0-9]+ test/    { s += $4; seen = 1 }
        /^Test (Passed|Failed|Skipped)/  { verdict = $2 }
        /^Test timed out/                { verdict = "Failed." }
        /^"[^"]*" end time: /            {
            if (verdict == "Passed.") passed += seen ? p : 1
            else if (verdict == "Skipped.") s += 1
            else { passed += p; failed += f ? f : 1 }
            skipped += s
        }
        END { print passed + 0, failed + 0, skipped + 0 }' "$1")
    if [ "$1" != 0 ] && [ "$3" = 0 ]; then
        count "$2" 1 "$4"
    else
        count "$2" "$3" "$4"
    fi
}

run_ctest() # DIRECTORY AT-ONCE
{
    $still ctest --test-dir "$1" --output-on-failure -j "$2" --timeout 240
    count_ctest "$1/Testing/Temporary/LastTest.log" $?
}

suite_c()
{
    title "C: unit, integration, corpora"
    compile "$BUILD" && run_ctest "$BUILD" "$programs"
    [ -n "$background" ] || settled
}

# The virtual environment is made once, and again when the requirements change.
python_ready()
{
    venv=$BUILD/venv
    wanted=tests/integration/requirements.txt
    cmp -s "$wanted" "$venv/requirements.txt" && return 0
    rm -rf "$venv"
    python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r "$wanted" &&
        cp "$wanted" "$venv/requirements.txt"
}

count_pytest() # LOG STATUS
{
    set -- "$2" $(tail -n 1 "$1" | awk '{
        for (i = 2; i <= NF; i++) { gsub(/,/, "", $i); n[$i] += $(i - 1) }
        print n["passed"] + 0, n["failed"] + n["error"] + n["errors"], n["skipped"] + 0 }')
    [ "$1" = 0 ] || [ "$3" != 0 ] || set -- "$1" "$2" 1 "$4"
    count "$2" "$3" "$4"
}

run_python() # DIRECTORY NAME AT-ONCE ARGUMENT...
{
    if ! ls tests/integration/test_*.py >/dev/null 2>&1; then
        skip "Python tests: there are none"
    elif ! command -v python3 >/dev/null 2>&1; then
        skip "Python tests: python3 is not installed"
    elif ! python_ready; then
        [ -z "${CI:-}" ] || { fail "Python tests: their packages could not be installed"; return; }
        skip "Python tests: their packages could not be installed with pip"
    else
        directory=$1 name=$2 at_once=$3
        shift 3
        ACURAST_BIN=$directory/bin ACURAST_BUILD=$directory logged "$directory/logs/$name.txt" \
            $still "$BUILD/venv/bin/python" -m pytest -n "$at_once" --dist worksteal -q -rs -p no:cacheprovider \
                "$@" tests/integration
        count_pytest "$directory/logs/$name.txt" $?
    fi
}

suite_python()
{
    title "Python: the programs from outside"
    compile "$BUILD" || return
    run_python "$BUILD" python "$waiting" -m "not alone"
    settled
    run_python "$BUILD" python_alone 0 -m alone
}

# Attacks on a service, from outside; the last line of the log counts them.
run_hostile() # ARGUMENT...
{
    if ! command -v python3 >/dev/null 2>&1; then
        skip "the attacks: python3 is not installed"
    elif ! python_ready; then
        [ -z "${CI:-}" ] || { fail "the attacks: their packages could not be installed"; return; }
        skip "the attacks: their packages could not be installed with pip"
    else
        ACURAST_BIN=$BUILD/bin PYTHONPATH=tests logged "$BUILD/logs/hostile.txt" \
            "$BUILD/venv/bin/python" -m hostile "$@"
        count_pytest "$BUILD/logs/hostile.txt" $?
    fi
}

suite_hostile()
{
    title "attacks on our own service"
    compile "$BUILD" && run_hostile --seconds 6
}

suite_attack()
{
    title "attacks on ${URL:-our own service}, $ATTACK_SECONDS s of the noisy ones together"
    if [ -n "${URL:-}" ]; then
        run_hostile --seconds "$ATTACK_SECONDS" --url "$URL"
    else
        compile "$BUILD" && run_hostile --seconds "$ATTACK_SECONDS"
    fi
}

# The last line of the log counts proofs and rounds.
suite_chaos()
{
    title "the truth under faults, $CHAOS_SECONDS s"
    if ! command -v python3 >/dev/null 2>&1; then
        skip "the faults: python3 is not installed"
    elif ! python_ready; then
        [ -z "${CI:-}" ] || { fail "the faults: their packages could not be installed"; return; }
        skip "the faults: their packages could not be installed with pip"
    elif compile "$BUILD"; then
        ! command -v npm >/dev/null 2>&1 || npm_ready tests/interop # for the vendor's client
        ACURAST_BIN=$BUILD/bin ACURAST_BUILD=$BUILD PYTHONPATH=tests logged "$BUILD/logs/chaos.txt" \
            "$BUILD/venv/bin/python" -m chaos --seconds "$CHAOS_SECONDS" ${SEED:+--seed "$SEED"}
        count_pytest "$BUILD/logs/chaos.txt" $?
    fi
}

# Packages of npm, once and again when the lock file changes; nothing of theirs is run.
npm_ready() # FOLDER
{
    cmp -s "$1/package-lock.json" "$1/node_modules/.installed" && return 0
    npm --prefix "$1" ci --ignore-scripts --no-audit --no-fund --loglevel=error &&
        cp "$1/package-lock.json" "$1/node_modules/.installed"
}

# Runs tests of node:test with the Node that $node names, and counts them.
run_node_tests() # LOG-FOLDER NAME BIN FILE-OR-FLAG...
{
    mkdir -p "$1"
    tap=$1/$2.tap bin=$3
    shift 3
    ACURAST_BIN=$bin ACURAST_BUILD=${bin%/bin} $still "$node" --test \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$tap" "$@"
    status=$?
    set -- $(awk '/^# (pass|fail|cancelled|skipped|todo) [0-9]+$/ { n[$2] += $3 }
        END { print n["pass"] + 0, n["fail"] + n["cancelled"], n["skipped"] + n["todo"] }' "$tap")
    [ "$status" = 0 ] || [ "$2" != 0 ] || set -- "$1" 1 "$3"
    count "$1" "$2" "$3"
}

run_node() # DIRECTORY
{
    set -- "$1" $(ls tests/interop/*.test.js tests/interop/*.test.cjs tests/interop/*.test.mjs 2>/dev/null)
    if [ $# = 1 ]; then
        skip "Node tests: there are none"
    elif ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
        skip "Node tests: node or npm is not installed"
    elif ! npm_ready tests/interop; then
        [ -z "${CI:-}" ] || { fail "Node tests: their packages could not be installed"; return; }
        skip "Node tests: their packages could not be installed with npm"
    else
        directory=$1
        shift
        node=node
        run_node_tests "$directory/logs" node "$directory/bin" "$@"
    fi
}

suite_node()
{
    title "Node: the vendor's client"
    settled
    compile "$BUILD" && run_node "$BUILD"
}

# The binding is installed as a user would, into a virtual environment of its own, and anew when a source has changed.
binding_python_ready()
{
    venv=$BUILD/venv-binding
    stamp=$venv/installed
    [ -f "$stamp" ] && [ -z "$(find core/include core/src core/sources.txt bindings/python \
        \( -name core -o -name build -o -name '*.egg-info' -o -name __pycache__ \) -prune -o -type f -newer "$stamp" \
        \( -path 'core/*' -o -path '*/src/*' -o -path '*/build_support/*' -o -name 'pyproject.toml' -o -name 'setup.py' \) \
        -print | head -n 1)" ] && return 0
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv" || return 1
    # As a user would, but for what only a debugger reads: a quarter of the compiler's time.
    CFLAGS="${CFLAGS:-} -g0" "$venv/bin/pip" install -q --disable-pip-version-check './bindings/python[test]' && touch "$stamp"
}

suite_binding_python()
{
    title "the Python binding"
    settled
    if ! command -v python3 >/dev/null 2>&1 || ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        skip "the Python binding: python3 is not installed, or older than 3.10"
    elif ! compile "$BUILD"; then
        :
    elif ! logged "$BUILD/logs/binding_python_install.txt" binding_python_ready; then
        [ -z "${CI:-}" ] || { fail "the Python binding could not be built and installed"; return; }
        skip "the Python binding could not be built and installed with pip"
    else
        ACURAST_BIN=$BUILD/bin logged "$BUILD/logs/binding_python.txt" \
            "$BUILD/venv-binding/bin/python" -m pytest -n "$processes" --dist worksteal -q -rs --show-capture=no \
            bindings/python/tests
        count_pytest "$BUILD/logs/binding_python.txt" $?
    fi
}

# Other versions of Node for the matrix, as packages of npm: for CI, where they were before, or where the system has none.
node_matrix_ready()
{
    matrix=$BUILD/node-matrix
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || return 0
    [ -n "${CI:-}" ] || [ -d "$matrix" ] || ! new_node || return 0
    mkdir -p "$matrix" && cp bindings/node/tests/matrix/package.json bindings/node/tests/matrix/package-lock.json "$matrix" &&
        npm_ready "$matrix"
}

# Sets `node` to one that is new enough: the system's, else one of the matrix. Debian 12 has Node 18.
new_node()
{
    for node in node "$BUILD/node-matrix/node_modules/node22/bin/node"; do
        "$node" -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && return 0
    done
    return 1
}

binding_node_ready()
{
    for folder in bindings/node bindings/node/examples/dapp tests/interop; do
        npm_ready "$folder" || return 1
    done
    "$node" bindings/node/tools/build.js
}

suite_binding_node()
{
    title "the Node binding"
    settled
    matrix_ready=yes
    if ! command -v npm >/dev/null 2>&1; then
        skip "the Node binding: npm is not installed"
        return
    fi
    logged "$BUILD/logs/node_matrix.txt" node_matrix_ready || matrix_ready=''
    if [ -n "${CI:-}" ] && [ -z "$matrix_ready" ]; then
        fail "the Node binding: the other versions of Node could not be installed"
    elif ! new_node; then
        skip "the Node binding: node is missing or older than 20"
    elif ! compile "$BUILD"; then
        :
    elif ! logged "$BUILD/logs/binding_node_build.txt" binding_node_ready; then
        [ -z "${CI:-}" ] || { fail "the Node binding could not be built"; return; }
        skip "the Node binding could not be built"
    else
        run_node_tests "$BUILD/logs" binding_node "$BUILD/bin" --test-concurrency="$processes" --test-timeout=120000 \
            $(find bindings/node/tests -name '*.test.*js' | sort)
    fi
}

go()
{
    sh "$top/bindings/go/tools/go.sh" "$BUILD" "$@"
}

# Whether there is a Go; the reason where there is none was said by go.sh, and is shown.
go_ready()
{
    reason=$(go version 2>&1 >/dev/null) && return 0
    [ -z "${CI:-}" ] || { fail "the Go binding: $reason"; return 1; }
    skip "the Go binding: $reason"
    return 1
}

# Each test and subtest counts, and each benchmark. A package that fails without one that does counts as one.
count_go() # LOG STATUS
{
    awk '/^ *--- SKIP: / { print "skipped: " $3 ":" reason } { reason = $0 }' "$1"
    set -- "$2" $(awk '
        /^ *--- PASS: / || /^Benchmark.* ns\/op/ { passed++ }
        /^ *--- FAIL: /                         { failed++; here = 1 }
        /^ *--- SKIP: /                         { skipped++ }
        /^FAIL\t/                               { failed += !here; here = 0 }
        END { print passed + 0, failed + 0, skipped + 0 }' "$1")
    [ "$1" = 0 ] || [ "$3" != 0 ] || set -- "$1" "$2" 1 "$4"
    count "$2" "$3" "$4"
}

run_go() # NAME FOLDER ARGUMENT...: `go test` in a module; of `go vet`, all of which vet_go does, it would do a part once more
{
    name=$1 folder=$2
    shift 2
    ACURAST_BIN=$BUILD/bin ACURAST_BUILD=$BUILD logged "$BUILD/logs/$name.txt" \
        go test -C "$folder" -vet=off -buildvcs=false -count=1 -parallel="$processes" -timeout=300s -v "$@"
    count_go "$BUILD/logs/$name.txt" $?
}

vet_go() # FOLDER PACKAGES
{
    if go vet -C "$1" "$2"; then
        count 1 0 0
    else
        fail "go vet in $1"
    fi
}

suite_binding_go()
{
    title "the Go binding"
    settled
    go_ready && compile "$BUILD" || return
    vet_go . ./bindings/go/...
    run_go binding_go . ./bindings/go/...
    if ! reason=$(go list -C bindings/go/tests -m 2>&1 >/dev/null); then
        skip "the tests of packaging, exchange and benchmark in Go: $reason"
        return
    fi
    ! command -v npm >/dev/null 2>&1 || npm_ready tests/interop # for the exchange with the vendor's client
    vet_go bindings/go/tests ./...
    run_go binding_go_tests bindings/go/tests ./...
    run_go binding_go_bench bindings/go/tests -run='^$' -bench=. -benchtime=1x ./bench
}

# The core within the program, and how Go calls it.
suite_address_go()
{
    title "the Go binding under AddressSanitizer"
    export CGO_CFLAGS='-g -O2' # for the lines in reports
    go_ready && compile "$BUILD" && run_go address_go . -asan ./bindings/go/...
    unset CGO_CFLAGS
}

suite_race_go()
{
    title "the Go binding under the race detector"
    export CGO_CFLAGS='-g -O2' # for the lines in reports
    go_ready && compile "$BUILD" && run_go race_go . -race ./bindings/go/...
    unset CGO_CFLAGS
}

suite_lint()
{
    title "lint"
    logged "$BUILD/lint.txt" sh tests/support/lint.sh "$BUILD"
    set -- $(tail -n 1 "$BUILD/lint.txt" | awk '{ print $1 + 0, $3 + 0, $5 + 0 }') "$?"
    count "$1" "$2" "$3"
}

# Every report of a sanitizer goes to a file of its own, so that none is missed behind a test that passes.
sanitized() # DIRECTORY SANITIZERS
{
    compile "$1" -DACURAST_SANITIZE="$2" || return
    rm -f "$1"/report.*
    export ASAN_OPTIONS="log_path=$1/report:detect_leaks=1:check_initialization_order=1"
    export LSAN_OPTIONS="suppressions=$top/tests/support/lsan.supp:print_suppressions=0"
    export UBSAN_OPTIONS="log_path=$1/report:print_stacktrace=1:halt_on_error=1"
    export TSAN_OPTIONS="log_path=$1/report:suppressions=$top/tests/support/tsan.supp:second_deadlock_stack=1"
    run_ctest "$1" "$JOBS"
    run_python "$1" python "$processes"
    run_node "$1"
    unset ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS
    reports "$1"
}

reports() # FOLDER
{
    for report in "$1"/report.*; do
        [ -s "$report" ] || continue
        cat "$report"
        fail "a report of the sanitizer: $report"
    done
}

# What users install: a wheel and an addon with everything inside. The rest of it is for `make dist-test`.
suite_dist()
{
    title "artefacts: one of each kind, made, installed and used"
    settled
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ] || ! command -v apt-get >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
        skip "the artefacts: they are made where there is Debian's apt-get on x86-64, and npm"
        return
    fi
    sh core/cmake/requirements.sh dist
    DIST=$BUILD/dist logged "$BUILD/logs/dist.txt" python3 packaging/dist.py "$BUILD/artefacts" x86_64-linux-gnu npm sdist
    case $? in
    0)
        DIST=$BUILD/dist logged "$BUILD/logs/dist_test.txt" python3 packaging/tests/run.py "$BUILD/artefacts" --quick
        count_pytest "$BUILD/logs/dist_test.txt" $?
        ;;
    3) skip "the artefacts: what they bundle has a newer version in Debian, for which packaging/pins.toml is to be moved" ;;
    *) fail "the artefacts could not be made" ;;
    esac
}

# In a bare Debian, under its systemd. The packages need no registry but Debian's.
suite_deb()
{
    title "Debian packages: made, installed, started, purged"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        skip "Debian packages: they are installed by root alone, where there is apt-get"
    elif ! grep -q ' cgroup2 ' /proc/mounts; then
        skip "Debian packages: systemd needs a control group of version 2"
    elif ! unshare --mount --pid --fork true 2>/dev/null; then
        skip "Debian packages: systemd is tried in namespaces, which cannot be made here"
    elif ! sh core/cmake/requirements.sh deb deb_test; then
        fail "Debian packages: what builds them could not be installed"
    elif ! logged "$BUILD/logs/deb.txt" env BUILD="$BUILD" JOBS="$JOBS" sh packaging/debian.sh "$BUILD/artefacts"; then
        fail "the Debian packages could not be made"
    else
        logged "$BUILD/logs/deb_test.txt" env BUILD="$BUILD" sh packaging/tests/debian.sh "$BUILD/artefacts"
        count_pytest "$BUILD/logs/deb_test.txt" $?
    fi
}

suite_address()
{
    title "everything under AddressSanitizer and UndefinedBehaviorSanitizer"
    sanitized "$BUILD/address" address,undefined
}

# A copy of the binding whose addon is built with the sanitizers, beside links to what it needs of this folder.
address_node_ready() # FOLDER
{
    npm_ready bindings/node || return 1
    rm -rf "$1/bindings" && mkdir -p "$1/bindings/node" && ln -sfn "$top/core" "$1/core" && ln -sfn "$top/tests" "$1/tests" &&
        (cd bindings/node && tar -cf - --exclude=./build --exclude=node_modules .) | tar -xf - -C "$1/bindings/node" &&
        ln -sfn "$top/bindings/node/node_modules" "$1/bindings/node/node_modules" &&
        flags='-fsanitize=address,undefined -fno-omit-frame-pointer -g' &&
        CC=gcc CFLAGS=$flags LDFLAGS=$flags "$node" "$1/bindings/node/tools/build.js"
}

# Node itself is not built for it, so leaks are not looked for.
suite_address_node()
{
    title "Node's addon under AddressSanitizer and UndefinedBehaviorSanitizer"
    copy=$BUILD/address_node
    if ! new_node || ! command -v npm >/dev/null 2>&1; then
        skip "Node's addon: npm is missing, or node is missing or older than 20"
    elif ! compile "$BUILD"; then
        :
    elif ! logged "$BUILD/logs/address_node_build.txt" address_node_ready "$copy"; then
        fail "Node's addon could not be built with sanitizers"
    else
        rm -f "$copy"/report.*
        still="env LD_PRELOAD=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)
            ASAN_OPTIONS=detect_leaks=0:log_path=$copy/report UBSAN_OPTIONS=print_stacktrace=1:log_path=$copy/report"
        run_node_tests "$BUILD/logs" address_node "$BUILD/bin" --test-timeout=120000 \
            $(for name in arguments client identity msgpack pressure process requests service; do
                echo "$copy/bindings/node/tests/$name.test.js"
            done)
        still=''
        reports "$copy"
    fi
}

suite_thread()
{
    title "everything under ThreadSanitizer"
    # Kernels that spread addresses far apart leave ThreadSanitizer no room for its shadow.
    setarch "$(uname -m)" -R true 2>/dev/null && still="setarch $(uname -m) -R"
    sanitized "$BUILD/thread" thread
    still=''
}

suite_valgrind()
{
    title "unit tests under valgrind"
    compile "$BUILD" || return
    for test in "$BUILD"/tests/unit_*; do
        if valgrind -q --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite \
            --error-exitcode=99 --suppressions=tests/support/valgrind.supp "$test" >"$test.valgrind" 2>&1; then
            echo "ok      ${test##*/}"
            count 1 0 0
        else
            cat "$test.valgrind"
            fail "${test##*/} under valgrind"
        fi
    done
}

# The time is shared out evenly. A finding is left in the build folder, for the corpus once it is mended.
suite_fuzz()
{
    title "fuzz targets, $FUZZ_SECONDS s together"
    compile "$BUILD/fuzz" -DACURAST_FUZZ=ON -DACURAST_SANITIZE=address,undefined -DCMAKE_C_COMPILER=clang-14 || return
    targets=$(ls -d "$BUILD"/fuzz/tests/fuzz_*)
    each=$((FUZZ_SECONDS / $(echo "$targets" | wc -l)))
    for target in $targets; do
        name=${target##*/fuzz_}
        mkdir -p "$BUILD/fuzz/found/$name"
        words=tests/fuzz/$name.dict
        [ -f "$words" ] || words=''
        if logged "$BUILD/fuzz/logs/$name.txt" "$target" -max_total_time=$((each > 0 ? each : 1)) -timeout=10 \
            -print_final_stats=0 -verbosity=0 ${words:+"-dict=$words"} -artifact_prefix="$BUILD/fuzz/found/$name/crash-" \
            "$BUILD/fuzz/found/$name" "tests/fuzz/corpus/$name"; then
            echo "ok      $name"
            count 1 0 0
        else
            fail "$name: see $BUILD/fuzz/found/$name"
        fi
    done
}

# Makes what the bindings' suites need, as far as it can, while other tests wait: for their time-outs, for programs, for the next second.
# It gets the processor time that nobody else wants; where the system does not know such a thing, it is waited for before anything is
# measured. Nothing is decided here: each suite makes what is missing and says what went wrong.
get_ready() # SUITE...
{
    for suite; do
        case $suite in
        node) npm_ready tests/interop ;;
        binding_python) binding_python_ready ;;
        binding_node) node_matrix_ready && new_node && binding_node_ready ;;
        binding_go)
            go vet ./bindings/go/...
            go test -vet=off -buildvcs=false -exec=true ./bindings/go/...
            go vet -C bindings/go/tests ./...
            go test -C bindings/go/tests -vet=off -buildvcs=false -exec=true ./...
            ;;
        esac
    done
}

if [ "${1:-}" = ready ]; then
    shift
    get_ready "$@"
    exit
elif [ "${1:-}" = sum ]; then
    set -- $(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$2")
    passed=$1 failed=$2 skipped=$3
else
    if [ "${1:-}" = c ] && [ $# -gt 1 ]; then
        mkdir -p "$BUILD/logs"
        ! can_hasten || background='chrt --idle 0'
        (shift; exec $background sh tests/run.sh ready "$@") >"$BUILD/logs/ahead.txt" 2>&1 &
        ahead=$!
    fi
    for suite; do
        "suite_$suite"
    done
fi
echo
line="$passed passed, $failed failed"
[ "$skipped" = 0 ] || line="$line, $skipped skipped"
echo "$line"
[ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]
