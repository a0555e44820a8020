#include "base/config.hpp"
#include "cli/doctor/checks.hpp"

#include <fmt/format.h>

#include <sys/un.h>

namespace hearth::cli::doctor {

namespace fs = std::filesystem;
using protocol::FindingStatus;

namespace {

constexpr std::uint64_t too_little_bytes = 1'000'000'000; // less than any useful model
constexpr std::uint64_t little_bytes = 10'000'000'000;    // two models of usual size
constexpr std::uint64_t few_files = 1000;

/// A folder that must be ours and ours alone. @param change  how to name another place
Finding check_private(const System& system, const char* check, const fs::path& folder,
                      const std::string& change) {
    const std::string text = folder.string();
    const auto facts = system.look(folder);
    if (!facts) {
        return {check, FindingStatus::ok, text + " will be made when it is needed", {}};
    }
    if (facts->kind == FileFacts::Kind::link) {
        return {check, FindingStatus::fail, text + " is a symbolic link, which is not followed", change};
    }
    if (facts->kind != FileFacts::Kind::folder) {
        return {check, FindingStatus::fail, text + " is not a folder", change};
    }
    if (facts->owner != system.user_id()) {
        return {check, FindingStatus::fail,
                fmt::format("{} belongs to user {}, you are {}", text, facts->owner, system.user_id()),
                fmt::format("sudo chown -R {} {}", system.user_name(), text)};
    }
    if ((facts->mode & 077u) != 0) {
        return {check, FindingStatus::fail,
                fmt::format("{} is open to other users (mode {:o})", text, facts->mode), "chmod 700 " + text};
    }
    return {check, FindingStatus::ok, text + ", yours alone", {}};
}

} // namespace

Finding check_store_owner(const System& system, const fs::path& data_dir) {
    return check_private(system, "store.owner", data_dir, "export HEARTH_DATA=/a/real/folder");
}

Finding check_store_space(const System& system, const fs::path& data_dir) {
    const auto disk = system.disk(data_dir);
    if (!disk) {
        return {"store.space", FindingStatus::warn,
                "the disk of " + data_dir.string() + " does not tell its space", "df " + data_dir.string()};
    }
    if (disk->read_only) {
        return {"store.space", FindingStatus::fail,
                "the disk of " + data_dir.string() + " is mounted read-only",
                fmt::format("sudo mount -o remount,rw \"$(findmnt -nT {} -o TARGET)\"", data_dir.string())};
    }
    if (disk->free_files < few_files) {
        return {"store.space", FindingStatus::fail,
                fmt::format("the disk of {} has room for {} more files", data_dir.string(), disk->free_files),
                fmt::format("df -i {}   (and delete small files there)", data_dir.string())};
    }
    const std::string text = fmt::format("{} of {} free for models", format_bytes(disk->free_bytes),
                                         format_bytes(disk->total_bytes));
    if (disk->free_bytes >= little_bytes) {
        return {"store.space", FindingStatus::ok, text, {}};
    }
    return {"store.space", disk->free_bytes < too_little_bytes ? FindingStatus::fail : FindingStatus::warn,
            text, "hearth rm MODEL   (hearth list shows the sizes), or move the store: HEARTH_DATA"};
}

Finding check_runtime_folder(const System& system, const fs::path& runtime_dir) {
    return check_private(system, "runtime.owner", runtime_dir, "export HEARTH_RUNTIME=/a/real/folder");
}

Finding check_socket_path(const fs::path& socket) {
    constexpr std::size_t room = sizeof(sockaddr_un{}.sun_path) - 1;
    const std::size_t length = socket.string().size();
    if (length <= room) {
        return {"runtime.socket", FindingStatus::ok, socket.string(), {}};
    }
    return {"runtime.socket", FindingStatus::fail,
            fmt::format("the path of the socket has {} bytes, the system takes {}: {}", length, room,
                        socket.string()),
            "export HEARTH_RUNTIME=/a/shorter/folder"};
}

} // namespace hearth::cli::doctor
