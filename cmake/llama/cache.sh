# Where the third-party part of the llama plugin is kept; sourced by fetch.sh and build.sh.
# The folder is outside the build folder and is shared by every build and every clone.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lock_file=$here/packages.lock
llama_version=0.5.0
cache_root=${HEARTH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hearth-build}

fail() { echo "llama: $*" >&2; exit 1; }
short_hash() { sha256sum | cut -c1-12; }

# Bump `layout` when what fetch.sh unpacks changes.
layout=1
tree=$cache_root/llama-$llama_version-$({ echo "layout $layout"; cat "$lock_file"; } | short_hash)
