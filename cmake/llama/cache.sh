# Where the third-party part of the llama plugin is kept, and how its packages are fetched; sourced by fetch.sh, source.sh and build.sh.
# The folder is outside the build folder and is shared by every build and every clone.
#
#   HEARTH_CACHE            the cache; default ${XDG_CACHE_HOME:-~/.cache}/hearth-build
#   HEARTH_LLAMA_FORM       prebuilt (default) or source: whose libraries lie in the tree
#   HEARTH_LLAMA_PACKAGES   a folder that holds the .tgz files already: for a machine without network

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lock_file=$here/packages.lock
llama_version=0.5.0
cache_root=${HEARTH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hearth-build}

fail() { echo "llama: $*" >&2; exit 1; }
short_hash() { sha256sum | cut -c1-12; }

# Bump `layout` when what fetch.sh unpacks changes.
layout=1
case ${HEARTH_LLAMA_FORM:-prebuilt} in
  prebuilt) tree=$cache_root/llama-$llama_version-$({ echo "layout $layout"; cat "$lock_file"; } | short_hash) ;;
  source)
    # By all that decides how the libraries come out.
    tree=$cache_root/llama-$llama_version-source-$({ sed -n '/^node-llama-cpp /p' "$lock_file"; cat "$here/source.sh" "$here"/patches/*.patch;
      "${CC:-clang-19}" --version; } | short_hash)
    ;;
  *) fail "HEARTH_LLAMA_FORM is '$HEARTH_LLAMA_FORM'; it must be prebuilt or source" ;;
esac

# npm pack names a file after its package: @scope/name 1.0 is scope-name-1.0.tgz.
tarball_of() { echo "$(echo "$1" | sed 's/^@//; s,/,-,g')-$2.tgz"; }

# fetch_packages FOLDER NAME...: the pinned packages, each checked against packages.lock, into FOLDER.
fetch_packages() {
  local folder=$1 name version integrity file got rows=""
  shift
  for name in "$@"; do
    rows+=$(awk -v name="$name" '$1 == name' "$lock_file")$'\n'
  done
  rows=${rows%$'\n'}
  if [ -n "${HEARTH_LLAMA_PACKAGES:-}" ]; then
    while read -r name version _; do
      cp "$HEARTH_LLAMA_PACKAGES/$(tarball_of "$name" "$version")" "$folder/" ||
        fail "$HEARTH_LLAMA_PACKAGES lacks $(tarball_of "$name" "$version")"
    done <<<"$rows"
  else
    command -v npm >/dev/null || fail "'npm' is missing (apt-get install npm); llama.cpp comes from npm packages"
    wanted=$(awk '{print $1 "@" $2}' <<<"$rows")
    echo "llama: fetching $(echo $wanted) (tens of MB, once)" >&2
    # shellcheck disable=SC2086
    (cd "$folder" && npm pack --loglevel=error --ignore-scripts $wanted >npm.out 2>npm.err) ||
      { sed 's/^/  /' "$folder/npm.err" >&2; fail "npm could not fetch the packages: is there a network, and does 'npm ping' work?"; }
  fi
  while read -r name version integrity; do
    file=$folder/$(tarball_of "$name" "$version")
    [ -f "$file" ] || fail "npm did not deliver $(basename "$file")"
    got=sha512-$(openssl dgst -sha512 -binary "$file" | base64 -w0)
    [ "$got" = "$integrity" ] || fail "$name $version has the wrong integrity
  wanted $integrity
  got    $got"
  done <<<"$rows"
}

# unpack_source FOLDER PATH...: these paths of llama.cpp's source bundle, of fetched packages in FOLDER, into FOLDER/tree/src.
unpack_source() {
  local folder=$1 version
  shift
  version=$(awk '$1 == "node-llama-cpp" {print $2}' "$lock_file")
  mkdir -p "$folder/source" "$folder/tree/src"
  tar -xzf "$folder/$(tarball_of node-llama-cpp "$version")" -C "$folder/source" package/llama/gitRelease.bundle
  git -c advice.detachedHead=false clone --quiet --bare "$folder/source/package/llama/gitRelease.bundle" "$folder/source.git" ||
    fail "the source bundle cannot be read"
  git -C "$folder/source.git" archive HEAD -- "$@" | tar -x -C "$folder/tree/src"
  grep -q "LLAMA_VERSION_MINOR ${llama_version:2:1})" "$folder/tree/src/CMakeLists.txt" || fail "the bundle is not llama.cpp $llama_version"
  cp "$folder/tree/src/LICENSE" "$folder/tree/LICENSE"
}

need_tools() {
  local tool
  for tool in git tar openssl flock "$@"; do command -v "$tool" >/dev/null || fail "'$tool' is missing: apt-get install git tar openssl util-linux"; done
}
