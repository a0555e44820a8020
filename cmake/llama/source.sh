#!/usr/bin/env bash
# Builds llama.cpp's libraries from the pinned source bundle: for machines that the prebuilt ones are not for, and for distributions.
# Every CPU variant, no OpenMP, as the prebuilt ones (docs/ARCHITECTURE.md). Prints the folder: src/, lib/, LICENSE. Instant when it
# is there already; about fifteen minutes on two cores when it is not; an interrupted build goes on where it was.
# Environment: CC, CXX (default clang-19), HEARTH_LLAMA_JOBS, and cache.sh's.
set -euo pipefail
export HEARTH_LLAMA_FORM=source CC=${CC:-clang-19} CXX=${CXX:-clang++-19}
source "$(dirname "$0")/cache.sh"

if [ -e "$tree/complete" ]; then echo "$tree"; exit 0; fi
need_tools cmake ninja
mkdir -p "$cache_root"
exec 9>"$tree.lock"
flock 9
if [ -e "$tree/complete" ]; then echo "$tree"; exit 0; fi

if [ ! -e "$tree/unpacked" ]; then
  work=$(mktemp -d "$cache_root/fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  fetch_packages "$work" node-llama-cpp
  unpack_source "$work" LICENSE CMakeLists.txt cmake common ggml include licenses src tools/server tools/mtmd tools/quantize tools/ui vendor
  for patch in "$here"/patches/*.patch; do
    git -C "$work/tree/src" apply "$patch" || fail "$(basename "$patch") does not apply to llama.cpp $llama_version"
  done
  touch "$work/tree/unpacked"
  rm -rf "$tree"
  mv "$work/tree" "$tree"
fi

launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
options=(-DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON
  -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DGGML_CCACHE=OFF
  -DLLAMA_BUILD_COMMON=ON -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF
  -DLLAMA_OPENSSL=OFF -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON "-DCMAKE_INSTALL_RPATH=\$ORIGIN")
echo "llama: compiling llama.cpp $llama_version from its source (once, about fifteen minutes on two cores)" >&2
build=$tree/libraries.work
mkdir -p "$build"
cmake -G Ninja -S "$tree/src" -B "$build" "${options[@]}" "${launcher[@]}" >"$build/configure.log" 2>&1 ||
  { tail -n 30 "$build/configure.log" >&2; fail "configuring llama.cpp failed; all of it: $build/configure.log"; }
cmake --build "$build" --parallel "${HEARTH_LLAMA_JOBS:-$(nproc)}" >"$build/build.log" 2>&1 ||
  { grep -E "error|FAILED" -A5 "$build/build.log" | head -60 >&2; fail "building llama.cpp failed; all of it: $build/build.log"; }
mkdir -p "$tree/lib"
find "$build" -name '*.so' -exec cp {} "$tree/lib/" \;
strip --strip-unneeded "$tree"/lib/*.so
touch "$tree/complete"
echo "$tree"
