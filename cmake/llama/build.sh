#!/usr/bin/env bash
# Compiles llama.cpp's server-context and multimodal code against the prebuilt libraries, once per compiler, into the cache.
#
#   build.sh path            prints the folder of this compiler's results
#   build.sh engine          libhearth-llama-engine.a, which the plugin links (about two minutes on two cores)
#   build.sh judges          llama-server and llama-quantize of the same release, to compare with; prints their folder
#
#   CC, CXX                  default clang-19, clang++-19
#   HEARTH_LLAMA_SOURCE      a llama.cpp source tree of exactly the same release, instead of the packages'
#   HEARTH_LLAMA_JOBS        parallel compilers, default all cores
set -euo pipefail
source "$(dirname "$0")/cache.sh"

what=${1:-engine}
export CC=${CC:-clang-19} CXX=${CXX:-clang++-19}
source_tree=${HEARTH_LLAMA_SOURCE:-$tree/src}
[ -f "$source_tree/tools/server/server-context.cpp" ] || fail "$source_tree has no llama.cpp sources; run cmake/llama/fetch.sh"

key=$({ echo "$source_tree"; "$CXX" --version; cat "$here/engine/CMakeLists.txt"; } | short_hash)
out=$tree/build-$key
judges=$tree/judges

build() { # target...: one build at a time, the results appear whole
  local work=$out.work
  mkdir -p "$work"
  local launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake -G Ninja -S "$here/engine" -B "$work" -DCMAKE_BUILD_TYPE=Release -DLLAMA_TREE="$source_tree" -DLLAMA_LIBRARIES="$tree/lib" \
    "${launcher[@]}" >"$work/configure.log" 2>&1 || { cat "$work/configure.log" >&2; fail "configuring the engine failed"; }
  cmake --build "$work" --parallel "${HEARTH_LLAMA_JOBS:-$(nproc)}" --target "$@" >"$work/build.log" 2>&1 ||
    { grep -E "error|FAILED" -A5 "$work/build.log" | head -60 >&2; fail "building $* failed; all of it: $work/build.log"; }
}

with_lock() { exec 8>"$tree/build.lock"; flock 8; }

case $what in
  path) echo "$out" ;;
  engine)
    if [ -e "$out/libhearth-llama-engine.a" ]; then exit 0; fi
    with_lock
    if [ -e "$out/libhearth-llama-engine.a" ]; then exit 0; fi
    echo "llama: compiling server-context and mtmd (once, about two minutes on two cores)" >&2
    build hearth-llama-engine
    mkdir -p "$out"
    cp "$out.work/libhearth-llama-engine.a" "$out/engine.tmp"
    mv "$out/engine.tmp" "$out/libhearth-llama-engine.a"
    ;;
  judges)
    if [ ! -x "$judges/llama-server" ] || [ ! -x "$judges/llama-quantize" ]; then
      with_lock
      echo "llama: compiling the judges, llama-server and llama-quantize (once)" >&2
      build llama-server llama-quantize
      rm -rf "$judges.tmp" && mkdir -p "$judges.tmp"
      cp "$out.work/llama-server" "$out.work/llama-quantize" "$judges.tmp/"
      for library in "$tree"/lib/*.so; do ln "$library" "$judges.tmp/"; done # ggml looks for its variants beside the program
      rm -rf "$judges" && mv "$judges.tmp" "$judges"
    fi
    echo "$judges"
    ;;
  *) fail "unknown target '$what': engine, judges or path" ;;
esac
