#!/bin/sh
# Builds the shout backend as a third party would: build.sh OUTDIR HEADER_DIR
#   OUTDIR      gets hearth-shout.so and its manifest
#   HEADER_DIR  the include folder of an installed Hearth: holds hearth/hearth_backend.h
# $CC (default: clang-19, else cc) and $CFLAGS are respected.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: build.sh OUTDIR HEADER_DIR" >&2
    exit 2
fi
here=$(dirname "$0")
out=$1
umask 022
mkdir -p "$out"
compiler=${CC:-$(command -v clang-19 || echo cc)}
exports=$(mktemp)
trap 'rm -f "$exports"' EXIT
echo '{ global: hearth_backend_get; local: *; };' > "$exports"

# shellcheck disable=SC2086  # CFLAGS holds several words
"$compiler" -std=c11 -Wall -Wextra -Werror -O2 -fPIC -shared ${CFLAGS:-} -I "$2" -Wl,--version-script="$exports" \
    -o "$out/hearth-shout.so" "$here/shout.c"
sha256=$(sha256sum "$out/hearth-shout.so" | cut -d ' ' -f 1)
cat > "$out/backend-shout.json" <<MANIFEST
{"manifest": 1, "name": "shout", "abi": 1, "version": "1.0", "library": "hearth-shout.so",
 "sha256": "$sha256",
 "operations": ["chat", "complete"], "formats": [], "description": "Answers in capitals; built out of tree"}
MANIFEST
