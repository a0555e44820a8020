#!/bin/sh
# Installs Hearth for one user, without root:  curl -fsSL URL/install.sh | HEARTH_INSTALL_URL=URL sh
#
# Options (each also as a variable):
#   --url URL            where SHA256SUMS and the archives are            HEARTH_INSTALL_URL
#   --version X.Y.Z      that version; default: the only one listed       HEARTH_INSTALL_VERSION
#   --prefix DIR         where to install; default: ~/.local              HEARTH_INSTALL_PREFIX
#   --no-modify-path     leave the profiles of the shells alone           HEARTH_INSTALL_NO_MODIFY_PATH=1
#   --no-service         do not enable the service for this user          HEARTH_INSTALL_NO_SERVICE=1
#   --uninstall          remove everything that was installed; models stay
#   --purge              with --uninstall: the models, settings and logs too
#   -y                   ask nothing
#   -h, --help
# Nothing is compiled, and nothing is changed before the checksum of the whole archive is right.
set -eu

# All in functions, called on the last line: half a script does nothing.

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "install.sh: $*"
  exit 1
}

usage() {
  cat <<'END'
Usage: install.sh [--url URL] [--version X.Y.Z] [--prefix DIR] [--no-modify-path] [--no-service] [-y]
       install.sh --uninstall [--purge] [--prefix DIR] [-y]
Installs Hearth for you alone, into ~/.local, without root. The checksum of the download must be right.
HEARTH_INSTALL_URL, _VERSION, _PREFIX, _NO_MODIFY_PATH=1 and _NO_SERVICE=1 say the same.
END
}

parse() {
  url=${HEARTH_INSTALL_URL:-}
  version=${HEARTH_INSTALL_VERSION:-}
  prefix=${HEARTH_INSTALL_PREFIX:-}
  modify_path=$([ -n "${HEARTH_INSTALL_NO_MODIFY_PATH:-}" ] || echo yes)
  service=$([ -n "${HEARTH_INSTALL_NO_SERVICE:-}" ] || echo yes)
  action=install purge='' yes=''
  while [ $# -gt 0 ]; do
    case $1 in
      --url | --version | --prefix)
        [ $# -gt 1 ] || fail "$1 needs a value"
        case $1 in --url) url=$2 ;; --version) version=$2 ;; --prefix) prefix=$2 ;; esac
        shift
        ;;
      --no-modify-path) modify_path='' ;;
      --no-service) service='' ;;
      --uninstall) action=uninstall ;;
      --purge) purge=yes ;;
      -y) yes=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        usage >&2
        exit 2
        ;;
    esac
    shift
  done
  [ -n "${HOME:-}" ] || fail "HOME is not set"
  [ -z "$purge" ] || [ "$action" = uninstall ] || fail "--purge goes with --uninstall"
  prefix=${prefix:-$HOME/.local}
  case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
  # Not in share/hearth: in ~/.local that is the store, which must be private.
  manifest=$prefix/share/doc/hearth/install-manifest
}

# ---- download

check_url() {
  [ -n "$url" ] || fail "say where to download from: --url URL, or HEARTH_INSTALL_URL"
  url=${url%/}
  case $url in
    https://*) protocol='=https' ;;
    http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]*) protocol='=http' ;;
    *) fail "$url is not an https address" ;;
  esac
}

fetch() { # fetch NAME FILE
  if command -v curl >/dev/null 2>&1; then
    curl --proto "$protocol" --tlsv1.2 -fsSL --retry 2 -o "$2" "$url/$1" || fail "could not download $url/$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$url/$1" || fail "could not download $url/$1"
  else
    fail "there is neither curl nor wget: install one of them"
  fi
}

architecture() {
  case $(uname -s) in Linux) ;; *) fail "this archive is for Linux, this is $(uname -s)" ;; esac
  case $(uname -m) in
    x86_64 | amd64) echo x86_64 ;;
    aarch64 | arm64) echo aarch64 ;;
    *) fail "there is no archive for $(uname -m)" ;;
  esac
}

# The one line of SHA256SUMS that is for this machine.
choose() {
  arch=$(architecture)
  awk -v arch="$arch" -v version="$version" '
    { name = $2; sub(/^\*/, "", name) }
    name ~ ("^hearth-[0-9][0-9A-Za-z.~+-]*-linux-" arch "\\.tar\\.gz$") &&
    (version == "" || name == "hearth-" version "-linux-" arch ".tar.gz") { print $1, name }' "$stage/SHA256SUMS" >"$stage/choice"
  case $(grep -c . "$stage/choice" || true) in
    0) fail "$url lists no archive${version:+ of version $version} for linux-$arch" ;;
    1) read -r checksum archive <"$stage/choice" ;;
    *) fail "$url lists several versions: choose one with --version" ;;
  esac
  case $checksum in *[!0-9a-f]*) fail "SHA256SUMS of $url is damaged" ;; esac
  [ "${#checksum}" -eq 64 ] || fail "SHA256SUMS of $url is damaged"
}

checksum_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1"
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1"
  else
    fail "there is no sha256sum to check the download with"
  fi | cut -d ' ' -f 1
}

download() {
  fetch SHA256SUMS "$stage/SHA256SUMS"
  choose
  say "downloading $archive"
  fetch "$archive" "$stage/archive.tar.gz"
  got=$(checksum_of "$stage/archive.tar.gz")
  [ "$got" = "$checksum" ] || fail "the download is damaged: its SHA-256 is $got, it should be $checksum; nothing was installed"
}

unpack() {
  if tar -tzf "$stage/archive.tar.gz" | grep -qE '^/|(^|/)\.\.(/|$)'; then
    fail "the archive would write outside of its folder; nothing was installed"
  fi
  mkdir "$stage/tree"
  tar -xzf "$stage/archive.tar.gz" -C "$stage/tree" --no-same-owner --strip-components=1
  for file in "$stage"/tree/share/applications/*.desktop; do
    [ ! -e "$file" ] || sed -i "s,^\\(Exec\\|TryExec\\)=[^ ]*hearth-tray,\\1=$prefix/bin/hearth-tray," "$file"
  done
  "$stage/tree/bin/hearthd" --version >/dev/null || fail "this machine cannot run it; nothing was installed"
}

# ---- files

# Creates a folder and remembers those that were not there, innermost last.
make_folder() {
  [ -d "$1" ] && return
  make_folder "$(dirname "$1")"
  mkdir "$1"
  printf 'folder %s\n' "$1" >>"$stage/manifest"
}

# Each file appears whole, at once, under a running program too.
put_files() {
  (cd "$stage/tree" && find . \( -type f -o -type l \) | sed 's,^\./,,' | sort) >"$stage/files"
  while IFS= read -r file; do
    make_folder "$(dirname "$prefix/$file")"
    cp -P "$stage/tree/$file" "$prefix/$file.hearth-new"
    mv -f "$prefix/$file.hearth-new" "$prefix/$file"
    printf 'file %s\n' "$prefix/$file" >>"$stage/manifest"
  done <"$stage/files"
}

# What an older version had and this one has not; folders and profiles that it made stay ours.
merge_manifest() {
  [ -f "$manifest" ] || return 0
  grep -E '^(folder|profile|new-profile) ' "$manifest" >>"$stage/manifest" || true
  sed -n 's/^file //p' "$manifest" | while IFS= read -r file; do
    grep -qxF "file $file" "$stage/manifest" || rm -f "$file"
  done
}

# ---- profiles

# shellcheck disable=SC2016  # $PATH is for the shell that reads the profile
path_block() { # path_block NAME
  printf '\n# >>> hearth >>>\n'
  case $1 in
    *.fish) printf 'contains "%s" $PATH; or set -gx PATH "%s" $PATH\n' "$prefix/bin" "$prefix/bin" ;;
    *) printf 'case ":$PATH:" in *":%s:"*) ;; *) export PATH="%s:$PATH" ;; esac\n' "$prefix/bin" "$prefix/bin" ;;
  esac
  printf '# <<< hearth <<<\n'
}

add_to_profile() {
  if [ -e "$1" ]; then
    grep -q '^# >>> hearth >>>$' "$1" && return
    printf 'profile %s\n' "$1" >>"$stage/manifest"
  else
    make_folder "$(dirname "$1")"
    printf 'new-profile %s\n' "$1" >>"$stage/manifest"
  fi
  block=$(path_block "$1" && echo .)
  printf '%s' "${block%.}" >>"$1"
  changed_profiles="$changed_profiles $1"
}

add_to_path() {
  case ":$PATH:" in *":$prefix/bin:"*) return ;; esac
  if [ -z "$modify_path" ]; then
    say "put it on your PATH:  export PATH=\"$prefix/bin:\$PATH\""
    return
  fi
  changed_profiles=''
  add_to_profile "$HOME/.profile"
  for profile in "$HOME/.bash_profile" "$HOME/.bashrc" "${ZDOTDIR:-$HOME}/.zshrc" "${XDG_CONFIG_HOME:-$HOME/.config}/fish/config.fish"; do
    [ ! -e "$profile" ] || add_to_profile "$profile"
  done
  [ -z "$changed_profiles" ] || say "added $prefix/bin to PATH in:$changed_profiles (open a new terminal)"
}

# Byte for byte what was there before; what was written after our lines stays.
remove_from_profile() {
  [ -f "$1" ] || return 0
  LC_ALL=C awk 'BEGIN { RS = "\001"; ORS = "" } { sub(/\n# >>> hearth >>>\n.*\n# <<< hearth <<<\n/, ""); print }' "$1" >"$stage/profile"
  cat "$stage/profile" >"$1"
}

# ---- the service

has_manager() { systemctl --user show --property=Version >/dev/null 2>&1; }

start_service() {
  # Ends with 0 for a service that sleeps, too: its next start is the new program's.
  if answer=$("$prefix/bin/hearth" status -q 2>/dev/null) && [ "$answer" != asleep ]; then
    say "restarting the service that runs"
    "$prefix/bin/hearth" service restart -q || say "restart it yourself: hearth service restart"
  fi
  if [ -n "$service" ] && has_manager; then
    "$prefix/bin/hearth" service enable || say "enable it yourself: hearth service enable"
  fi
}

# ---- the two actions

install() {
  check_url
  download
  unpack
  make_folder "$(dirname "$manifest")"
  put_files
  merge_manifest
  add_to_path
  sort -u "$stage/manifest" >"$stage/manifest.sorted"
  cp "$stage/manifest.sorted" "$manifest.hearth-new"
  mv -f "$manifest.hearth-new" "$manifest"
  start_service
  say "installed $("$prefix/bin/hearthd" --version) into $prefix"
  case $(command -v hearth || true) in
    "" | "$prefix/bin/hearth") ;;
    *) say "note: there is another hearth on PATH: $(command -v hearth)" ;;
  esac
}

wants_purge() {
  [ -z "$purge" ] || return 0
  [ -d "$data" ] || return 1
  size=$(du -sh "$data" 2>/dev/null | cut -f 1)
  if [ -n "$yes" ] || ! { true </dev/tty; } 2>/dev/null; then
    say "the models stay: $data ($size); --purge removes them"
    return 1
  fi
  printf 'Delete the models in %s (%s) too? [y/N] ' "$data" "$size" >/dev/tty
  read -r answer </dev/tty || answer=n
  case $answer in y | Y | yes) return 0 ;; *) return 1 ;; esac
}

remove_data() {
  rm -rf "$data" "$HOME/.local/state/hearth" "${XDG_CONFIG_HOME:-$HOME/.config}/hearth" "${XDG_CACHE_HOME:-$HOME/.cache}/hearth"
  say "removed the models, settings and logs"
}

uninstall() {
  [ -f "$manifest" ] || fail "nothing was installed into $prefix by this script"
  data=${HEARTH_DATA:-${XDG_DATA_HOME:-$HOME/.local/share}/hearth}
  if has_manager; then "$prefix/bin/hearth" service disable -q || true; fi
  "$prefix/bin/hearth" service stop -q >/dev/null 2>&1 || true
  cp "$manifest" "$stage/installed"
  sed -n 's/^file //p' "$stage/installed" | while IFS= read -r file; do rm -f "$file"; done
  rm -f "$manifest"
  sed -n 's/^profile //p; s/^new-profile //p' "$stage/installed" | while IFS= read -r file; do remove_from_profile "$file"; done
  sed -n 's/^new-profile //p' "$stage/installed" | while IFS= read -r file; do [ -s "$file" ] || rm -f "$file"; done
  if wants_purge; then remove_data; fi
  sed -n 's/^folder //p' "$stage/installed" | sort -r | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || true; done
  say "removed Hearth from $prefix"
}

main() {
  parse "$@"
  umask 022
  stage=$(mktemp -d "${TMPDIR:-/tmp}/hearth-install.XXXXXX")
  trap 'rm -rf "$stage"' EXIT
  trap 'exit 130' INT TERM
  : >"$stage/manifest"
  "$action"
}

main "$@"
