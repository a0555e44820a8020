#!/usr/bin/env bash
# Fetches the pinned llama.cpp packages with the npm client, checks them, and unpacks what Hearth needs into the cache.
# Prints the folder: src/ (headers and the server's sources), lib/ (libraries), LICENSE. Instant when it is there already.
# Environment: see cache.sh.
set -euo pipefail
source "$(dirname "$0")/cache.sh"

[ "$(uname -sm)" = "Linux x86_64" ] || fail "the prebuilt libraries are for Linux x86_64; this is $(uname -sm). -DHEARTH_LLAMA=source builds them"
last=$tree/src/ggml/src/ggml-backend-impl.h # what the newest version of this script unpacks
is_there() { [ -e "$tree/complete" ] && [ -e "$last" ]; }
if is_there; then echo "$tree"; exit 0; fi

# shellcheck disable=SC2119
need_tools
mkdir -p "$cache_root"
exec 9>"$cache_root/fetch.lock"
flock 9
if is_there; then echo "$tree"; exit 0; fi

work=$(mktemp -d "$cache_root/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

libraries=@node-llama-cpp/linux-x64
fetch_packages "$work" node-llama-cpp $libraries
unpack_source "$work" LICENSE CMakeLists.txt include src ggml/include ggml/src/ggml-backend-impl.h common vendor \
  tools/server tools/mtmd tools/quantize tools/ui/ui.h.in tools/ui/ui.cpp.in ':(exclude)tools/mtmd/test-*' ':(exclude)tools/server/tests' \
  ':(exclude)tools/server/bench'
mkdir -p "$work/tree/lib" "$work/library"
version=$(awk -v name=$libraries '$1 == name {print $2}' "$lock_file")
tar -xzf "$work/$(tarball_of $libraries "$version")" -C "$work/library" package/bins
cp "$work"/library/package/bins/linux-x64/*.so "$work/tree/lib/"
touch "$work/tree/complete"

if [ -e "$tree/complete" ]; then # of an older version of this script: what was compiled in it stays right
  cp -rn "$work/tree/." "$tree/"
else
  rm -rf "$tree" # an unfinished one of an interrupted run
  mv "$work/tree" "$tree"
fi
echo "$tree"
