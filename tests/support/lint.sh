#!/bin/sh
# Every check of style and shape, one line each:  tests/support/lint.sh BUILD-FOLDER
# Those that compile nothing:                     tests/support/lint.sh BUILD-FOLDER quick
# Formats what the check of the format looks at:  tests/support/lint.sh BUILD-FOLDER format
# The last line is `N passed, N failed`. A check that fails prints what it found.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1
jobs=${JOBS:-2}
passed=0 failed=0 skipped=0
mkdir -p "$build/lint"
go_tools=$(cd "$build" && pwd)/go-tools

check() # WHAT COMMAND...
{
    what=$1
    shift
    if "$@" >"$build/lint/output" 2>&1; then
        echo "ok      $what"
        passed=$((passed + 1))
    else
        tail -n 200 "$build/lint/output"
        echo "FAILED  $what"
        failed=$((failed + 1))
    fi
}

skip() # WHY
{
    echo "skipped: $*"
    skipped=$((skipped + 1))
}

files() # PATHSPEC...
{
    git ls-files --cached --others --exclude-standard "$@"
}

warnings() # COMPILER FOLDER BUILD-TYPE
{
    cmake -S . -B "$2" -G Ninja --log-level=WARNING -DCMAKE_C_COMPILER="$1" -DCMAKE_BUILD_TYPE="$3" \
        -DACURAST_WERROR=ON -DACURAST_TESTS=ON && cmake --build "$2" -j "$jobs" -- -k 0 --quiet
}

# Only what is compiled has its flags in the database.
tidy()
{
    files 'core/*.c' 'tests/*.c' | while read -r file; do
        grep -qF "\"file\": \"$PWD/$file\"" "$build/lint/clang/compile_commands.json" && echo "$file"
    done | xargs -P "$jobs" -n 4 clang-tidy-14 -p "$build/lint/clang" --quiet --warnings-as-errors='*'
}

format() # OPTION...
{
    files 'core/*.c' 'tests/*.c' 'bindings/*.c' 'bindings/*.h' | xargs -P "$jobs" -n 40 clang-format-14 "$@"
}

# The Node binding's own packages bring what reads its sources: headers for its C, rules for its JavaScript.
node_packages()
{
    installed=bindings/node/node_modules/.installed
    node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null || return 1
    cmp -s bindings/node/package-lock.json "$installed" && return 0
    npm --prefix bindings/node ci --ignore-scripts --no-audit --no-fund --loglevel=error &&
        cp bindings/node/package-lock.json "$installed"
}

addon() # COMPILER
{
    CC=$1 CFLAGS=-Werror node -e '
        try {
            require("./bindings/node/tools/build.js").build({ into: process.argv[1], quiet: true })
        } catch ({ message }) {
            console.error(message)
            process.exitCode = 1
        }' "$build/lint/addon-$1"
}

addon_tidy()
{
    files 'bindings/node/src/*.c' |
        xargs -P "$jobs" -n 4 clang-tidy-14 -p "$build/lint/addon-clang-14" --quiet --warnings-as-errors='*'
}

go()
{
    sh "$PWD/bindings/go/tools/go.sh" "$build" "$@"
}

# What Go compiles and the core does not have, with the core's warnings.
glue() # COMPILER
{
    "$1" -std=gnu11 -Wall -Wextra -Wconversion -Wshadow -Werror -Icore/include -fsyntax-only bindings/go/internal/core/glue.c
}

gofmt()
{
    unformatted=$("$(go env GOROOT)/bin/gofmt" -l $(files '*.go')) || return 1
    [ -z "$unformatted" ] || { echo "$unformatted"; return 1; }
}

go_modules()
{
    files '*go.mod' | grep -v /tools/ | xargs -n 1 dirname
}

govet()
{
    status=0
    for module in $(go_modules); do
        go vet -C "$module" ./... || status=1
    done
    return $status
}

# The checker is a module of its own, whose go.mod says which Go it wants.
staticcheck_ready()
{
    GOTOOLCHAIN=local go build -C bindings/go/tools/staticcheck -o "$go_tools/" honnef.co/go/tools/cmd/staticcheck
}

staticcheck()
{
    status=0
    for module in $(go_modules); do
        (cd "$module" && PATH="$(go env GOROOT)/bin:$PATH" "$go_tools/staticcheck" ./...) || status=1
    done
    return $status
}

# The package says from which Go on it works: what its go.mod names, with that version's own library.
oldest_go()
{
    GOTOOLCHAIN=$oldest go vet ./bindings/go/...
}

generated_by_go()
{
    go run ./bindings/go/internal/generate -check && go run ./bindings/go/internal/tables -check -into bindings/go
}

# Each header is the only include of a translation unit.
headers()
{
    status=0
    for header in core/include/acurast/*.h; do
        name=acurast/${header##*/}
        printf '#include <%s>\nextern int something;\n' "$name" >"$build/lint/header.c"
        for compiler in cc clang-14; do
            for standard in c99 c11; do
                alone "$compiler" c $standard || status=1
            done
        done
        for compiler in g++ clang-14; do
            alone "$compiler" c++ c++17 || status=1
        done
    done
    return $status
}

alone() # COMPILER LANGUAGE STANDARD
{
    "$1" -x "$2" -std="$3" -pedantic-errors -Wall -Wextra -Werror -Icore/include -fsyntax-only "$build/lint/header.c"
}

# The C examples of the documents compile as they stand on the page, and link with the library.
examples()
{
    status=0
    for page in README.md core/docs/*.md; do
        [ -e "$page" ] || continue
        rm -f "$build"/lint/example_*.c
        awk -v out="$build/lint/example_" '
            /^```c$/ { n++; file = out n ".c"; next }
            /^```/   { file = "" }
            file     { print > file }' "$page"
        for example in "$build"/lint/example_*.c; do
            [ -e "$example" ] || continue
            grep -q 'int main' "$example" || continue
            cc -std=c11 -Wall -Wextra -Werror -Icore/include -o "${example%.c}" "$example" \
                -L"$build/lint/gcc/lib" -lacurast || { echo "in $page"; status=1; }
        done
    done
    return $status
}

shells()
{
    status=0
    for script in $(files '*.sh') .ci/run; do
        case $(head -n 1 "$script") in *bash*) bash -n "$script" || status=1 ;; *) sh -n "$script" || status=1 ;; esac
    done
    if command -v shellcheck >/dev/null 2>&1; then
        # 2086, 2046: words are split on purpose in a few places.  1091, 2154: variables set through eval.
        shellcheck -S warning -e 2086,2046,1091,2154,2034 $(files '*.sh') .ci/run || status=1
    fi
    return $status
}

# What costs a few seconds comes first, and is all that `quick` does.
quick()
{
    check "format" format --dry-run -Werror
    if reason=$(go version 2>&1 >"$build/lint/output"); then
        check "gofmt" gofmt
    else
        skip "gofmt: $reason"
    fi
    check "shell scripts" shells
    for rule in layering allocation length names listed version links machine; do
        check "rule: $rule" python3 tests/support/check_source.py "$rule"
    done
}

sum()
{
    echo
    line="$passed passed, $failed failed"
    [ "$skipped" = 0 ] || line="$line, $skipped skipped"
    echo "$line"
    [ "$failed" = 0 ]
    exit
}

if [ "${2:-}" = format ]; then
    status=0
    format -i || status=1
    reason=$(go version 2>&1 >"$build/lint/output") || { echo "skipped: gofmt: $reason"; exit $status; }
    "$(go env GOROOT)/bin/gofmt" -w $(files '*.go') || status=1
    exit $status
fi
quick
[ "${2:-}" != quick ] || sum
check "no warning by gcc" warnings gcc "$build/lint/gcc" RelWithDebInfo
check "no warning by clang" warnings clang-14 "$build/lint/clang" Debug
check "clang-tidy" tidy
if node_packages >"$build/lint/output" 2>&1; then
    check "no warning by gcc in Node's addon" addon gcc
    check "no warning by clang in Node's addon" addon clang-14
    check "clang-tidy of Node's addon" addon_tidy
    check "JavaScript" npm --prefix bindings/node run --silent lint
else
    skip "Node's addon and the JavaScript: node is missing or older than 18, or the packages could not be installed"
fi
check "no warning by gcc in Go's glue" glue gcc
check "no warning by clang in Go's glue" glue clang-14
if reason=$(go version 2>&1 >"$build/lint/output"); then
    check "go vet" govet
    check "what is generated for Go is what the core says" generated_by_go
    oldest=go1.21.13
    if GOTOOLCHAIN=$oldest go version >"$build/lint/output" 2>&1; then
        check "go vet by the oldest Go" oldest_go
    else
        skip "the oldest Go: $(tail -n 1 "$build/lint/output")"
    fi
    if staticcheck_ready >"$build/lint/output" 2>&1; then
        check "staticcheck" staticcheck
    else
        skip "staticcheck: $(tail -n 1 "$build/lint/output")"
    fi
else
    skip "Go: $reason"
fi
check "exported symbols" sh tests/support/symbols.sh "$build/lint/gcc/lib/libacurast.so" .
check "public headers alone, C99, C11 and C++17" headers
check "examples of the documents compile" examples
sum
