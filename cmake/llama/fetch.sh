#!/usr/bin/env bash
# Fetches the pinned llama.cpp packages with the npm client, checks them, and unpacks what Hearth needs into the cache.
# Prints the folder: src/ (headers and the server's sources), lib/ (libraries), LICENSE. Instant when it is there already.
#
#   HEARTH_CACHE            the cache; default ${XDG_CACHE_HOME:-~/.cache}/hearth-build
#   HEARTH_LLAMA_PACKAGES   a folder that holds the two .tgz files already: for a machine without network
set -euo pipefail
source "$(dirname "$0")/cache.sh"

[ "$(uname -sm)" = "Linux x86_64" ] || fail "the prebuilt libraries are for Linux x86_64; this is $(uname -sm)"
last=$tree/src/ggml/src/ggml-backend-impl.h # what the newest version of this script unpacks
is_there() { [ -e "$tree/complete" ] && [ -e "$last" ]; }
if is_there; then echo "$tree"; exit 0; fi

for tool in git tar openssl flock; do command -v "$tool" >/dev/null || fail "'$tool' is missing: apt-get install git tar openssl util-linux"; done
mkdir -p "$cache_root"
exec 9>"$cache_root/fetch.lock"
flock 9
if is_there; then echo "$tree"; exit 0; fi

work=$(mktemp -d "$cache_root/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

# npm pack names a file after its package: @scope/name 1.0 is scope-name-1.0.tgz.
tarball_of() { echo "$(echo "$1" | sed 's/^@//; s,/,-,g')-$2.tgz"; }

packages=$(grep -v '^#' "$lock_file")
if [ -n "${HEARTH_LLAMA_PACKAGES:-}" ]; then
  while read -r name version _; do
    cp "$HEARTH_LLAMA_PACKAGES/$(tarball_of "$name" "$version")" "$work/" ||
      fail "$HEARTH_LLAMA_PACKAGES lacks $(tarball_of "$name" "$version")"
  done <<<"$packages"
else
  command -v npm >/dev/null || fail "'npm' is missing (apt-get install npm); llama.cpp comes from two npm packages"
  wanted=$(awk '{print $1 "@" $2}' <<<"$packages")
  echo "llama: fetching $(echo $wanted) (46 MB, once)" >&2
  # shellcheck disable=SC2086
  (cd "$work" && npm pack --loglevel=error --ignore-scripts $wanted >npm.out 2>npm.err) ||
    { sed 's/^/  /' "$work/npm.err" >&2; fail "npm could not fetch the packages: is there a network, and does 'npm ping' work?"; }
fi

while read -r name version integrity; do
  file=$work/$(tarball_of "$name" "$version")
  [ -f "$file" ] || fail "npm did not deliver $(basename "$file")"
  got=sha512-$(openssl dgst -sha512 -binary "$file" | base64 -w0)
  [ "$got" = "$integrity" ] || fail "$name $version has the wrong integrity
  wanted $integrity
  got    $got"
done <<<"$packages"

read -r source_name source_version _ < <(sed -n 1p <<<"$packages")
read -r library_name library_version _ < <(sed -n 2p <<<"$packages")
mkdir -p "$work/tree/src" "$work/tree/lib" "$work/source" "$work/library"
tar -xzf "$work/$(tarball_of "$source_name" "$source_version")" -C "$work/source" package/llama/gitRelease.bundle
git -c advice.detachedHead=false clone --quiet --bare "$work/source/package/llama/gitRelease.bundle" "$work/source.git" ||
  fail "the source bundle cannot be read"
git -C "$work/source.git" archive HEAD -- LICENSE CMakeLists.txt include src ggml/include ggml/src/ggml-backend-impl.h common vendor \
  tools/server tools/mtmd tools/quantize tools/ui/ui.h.in tools/ui/ui.cpp.in ':(exclude)tools/mtmd/test-*' ':(exclude)tools/server/tests' \
  ':(exclude)tools/server/bench' | tar -x -C "$work/tree/src"
grep -q "LLAMA_VERSION_MINOR ${llama_version:2:1})" "$work/tree/src/CMakeLists.txt" || fail "the bundle is not llama.cpp $llama_version"
tar -xzf "$work/$(tarball_of "$library_name" "$library_version")" -C "$work/library" package/bins
cp "$work"/library/package/bins/linux-x64/*.so "$work/tree/lib/"
cp "$work/tree/src/LICENSE" "$work/tree/LICENSE"
touch "$work/tree/complete"

if [ -e "$tree/complete" ]; then # of an older version of this script: what was compiled in it stays right
  cp -rn "$work/tree/." "$tree/"
else
  rm -rf "$tree" # an unfinished one of an interrupted run
  mv "$work/tree" "$tree"
fi
echo "$tree"
