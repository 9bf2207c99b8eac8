#!/bin/sh
# The library exports what core/cmake/symbols.txt lists, no more and no less, and the public headers declare the
# same:  symbols.sh LIBRARY SOURCE-FOLDER
set -eu
library=$1
source=$2
wanted=$source/core/cmake/symbols.txt
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
export LC_ALL=C

nm -D --defined-only "$library" | awk '{ print $NF }' | sort >"$temporary/exported"
sed -n 's/^ACURAST_API [^(]*[ *]\(acurast_[a-z0-9_]*\)(.*/\1/p' "$source"/core/include/acurast/*.h |
    sort >"$temporary/declared"
status=0
diff "$wanted" "$temporary/declared" || { echo "^ listed (<) or declared in the headers (>), not both"; status=1; }
diff "$wanted" "$temporary/exported" || { echo "^ listed (<) or exported by the library (>), not both"; status=1; }
exit $status
