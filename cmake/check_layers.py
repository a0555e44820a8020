#!/usr/bin/env python3
"""Fails on an include that the room table of the design does not allow.

Usage: check_layers.py [ROOT]. Prints one line per violation; exit code 1 when there is any.
"""
import pathlib
import re
import sys

# What each room may include. The longest matching key rules; a value that names a file allows that file alone.
ROOMS = {
    "base": ["base"],
    "process": ["base", "process"],
    "protocol": ["base", "protocol"],
    "registry": ["base", "process", "registry"],
    "runtime": ["base", "process", "runtime", "registry/model.hpp", "registry/model_shape.hpp"],
    "runtime/host": ["base", "process", "runtime", "plugins/abi"],
    "plugins/abi": [],
    "plugins/sdk": ["plugins/abi", "plugins/sdk"],
    "plugins/echo": ["plugins/abi", "plugins/sdk", "plugins/echo"],
    "plugins/llama": ["plugins/abi", "plugins/sdk", "plugins/llama"],
    "daemon": ["base", "process", "protocol", "registry", "runtime", "daemon"],
    "cli": ["base", "process", "protocol", "cli"],
    "tray": ["base", "process", "protocol", "tray"],
}

# Headers that one place owns: pattern of the include → where it may stand.
OWNED = [
    (r"^sqlite3", ["registry/db"]),
    (r"^curl/", ["registry/fetch"]),
    (r"^boost/beast", ["protocol", "daemon"]),
    (r"^openssl/", ["base", "daemon/http/tls"]),
    (r"^(seccomp|linux/seccomp|linux/landlock|linux/filter)", ["process"]),
    (r"^dlfcn", ["runtime/host", "plugins"]),
    (r"^(histedit|editline)", ["cli"]),
    (r"^archive", ["cli/backend"]),
    (r"^systemd/", ["tray"]),
    (r"^CLI/", ["cli", "daemon"]),
    (r"^toml\+\+", ["base"]),
    (r"^(spawn)\.h", ["process"]),
]
FORK = re.compile(r"(?<![\w.>:])(?:::)?(fork|vfork|execve?|execvp?e?|posix_spawnp?)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SOURCES = {".cpp", ".hpp", ".h", ".c", ".ipp"}


def owner(path: str, table) -> str | None:
    """The longest key of `table` that is a folder above `path`."""
    keys = [key for key in table if path == key or path.startswith(key + "/")]
    return max(keys, key=len) if keys else None


def violations(root: pathlib.Path):
    rooms = sorted({key.split("/")[0] for key in ROOMS})
    for room in rooms:
        for file in sorted((root / room).rglob("*")):
            if file.suffix not in SOURCES:
                continue
            path = file.relative_to(root).as_posix()
            allowed = ROOMS.get(owner(path, ROOMS) or "", [])
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                where = f"{path}:{number}"
                found = INCLUDE.match(line)
                if found:
                    yield from check_include(where, path, rooms, allowed, found.group(1), found.group(2))
                elif not line.lstrip().startswith(("//", "*", "/*")) and FORK.search(line) and not path.startswith("process/"):
                    yield f"{where}: fork and exec belong to process/"


def check_include(where, path, rooms, allowed, quote, target):
    first = target.split("/")[0]
    if quote == '"' and first in rooms and "/" in target:
        if not any(target == entry or target.startswith(entry + "/") for entry in allowed):
            yield f"{where}: {path.split('/')[0]} may not include \"{target}\""
    elif quote == '"' and not path.startswith("plugins/"):
        yield f'{where}: write includes as "room/file.hpp", not "{target}"'
    for pattern, homes in OWNED:
        if re.match(pattern, target) and not any(path.startswith(home + "/") for home in homes):
            yield f"{where}: <{target}> belongs to {' and '.join(homes)}"


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    found = list(violations(root))
    print("\n".join(found) if found else "layers: every include is allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
