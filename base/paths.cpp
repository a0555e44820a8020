#include "base/paths.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::paths {
namespace {

using std::filesystem::path;

/// An empty variable counts as absent (XDG Base Directory Specification).
const char* variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : nullptr;
}

path home() {
    if (const char* value = variable("HOME")) {
        return value;
    }
    if (const passwd* user = ::getpwuid(::getuid())) {
        return user->pw_dir;
    }
    throw Error(ErrorCode::store_failed, "there is no home folder",
                "set HOME, or HEARTH_DATA and HEARTH_RUNTIME");
}

/// $<own>, else $<xdg>/hearth, else ~/<fallback>.
path choose(const char* own, const char* xdg, const char* fallback) {
    if (const char* value = variable(own)) {
        return value;
    }
    if (const char* value = variable(xdg);
        value != nullptr && *value == '/') { // relative XDG paths are to be ignored
        return path(value) / "hearth";
    }
    return home() / fallback;
}

path executable_dir() {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

void check_private(const path& directory) {
    struct stat status{};
    if (::lstat(directory.c_str(), &status) != 0) {
        throw system_error(errno, "looking at " + directory.string());
    }
    if (S_ISLNK(status.st_mode)) {
        throw Error(ErrorCode::store_failed, directory.string() + " is a symbolic link",
                    "replace it by a real folder, or set HEARTH_DATA or HEARTH_RUNTIME to its target");
    }
    if (!S_ISDIR(status.st_mode)) {
        throw Error(ErrorCode::store_failed, directory.string() + " is not a folder");
    }
    if (status.st_uid != ::geteuid()) {
        throw Error(ErrorCode::store_failed,
                    fmt::format("{} belongs to user {}, not to you", directory.string(), status.st_uid),
                    fmt::format("chown {} {}", ::geteuid(), directory.string()));
    }
    if ((status.st_mode & 0077) != 0) {
        throw Error(ErrorCode::store_failed, directory.string() + " is open to other users",
                    "chmod 700 " + directory.string());
    }
}

} // namespace

path data_dir() {
    return choose("HEARTH_DATA", "XDG_DATA_HOME", ".local/share/hearth");
}

path runtime_dir() {
    return choose("HEARTH_RUNTIME", "XDG_RUNTIME_DIR", ".local/state/hearth/run");
}

path api_socket() {
    const char* own = variable("HEARTH_SOCKET");
    return own != nullptr ? path(own) : runtime_dir() / "api.sock";
}

path infer_socket() {
    return runtime_dir() / "infer.sock";
}

path log_file() {
    return home() / ".local/state/hearth/hearthd.log";
}

path history_file() {
    const char* state = variable("XDG_STATE_HOME");
    const bool usable = state != nullptr && *state == '/'; // relative XDG paths are to be ignored
    return (usable ? path(state) : home() / ".local/state") / "hearth/history";
}

std::vector<path> config_files() {
    const char* own = variable("HEARTH_CONFIG");
    path user = own != nullptr ? path(own)
                               : choose("HEARTH_CONFIG", "XDG_CONFIG_HOME", ".config/hearth") / "config.toml";
    return {"/etc/hearth/config.toml", std::move(user)};
}

path shipped_plugin_dir() {
    return executable_dir().parent_path() / "lib/hearth/plugins";
}

path user_plugin_dir() {
    return data_dir() / "plugins";
}

std::vector<path> plugin_dirs() {
    return {user_plugin_dir() / ".used", shipped_plugin_dir(), user_plugin_dir()};
}

path sibling_program(const char* name) {
    const path directory = executable_dir();
    path beside = directory / name;
    std::error_code ignored;
    if (!std::filesystem::exists(beside, ignored)) {
        path in_bin =
            directory.parent_path() / "bin" / name; // the tests of a build folder run in tests/, beside bin/
        if (std::filesystem::exists(in_bin, ignored)) {
            return in_bin;
        }
    }
    return beside;
}

void ensure_private_dir(const path& directory) {
    path so_far;
    for (const path& component : directory) {
        so_far /= component;
        if (component.empty() || ::mkdir(so_far.c_str(), 0700) == 0 || errno == EEXIST) {
            continue;
        }
        const int why = errno;
        struct stat status{}; // a read-only parent answers EROFS or EACCES even for a folder that exists
        if (::stat(so_far.c_str(), &status) != 0) {
            throw system_error(why, "creating folder " + so_far.string());
        }
    }
    check_private(directory);
}

} // namespace hearth::paths
