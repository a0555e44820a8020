#include "cli/doctor/linux_system.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

namespace hearth::cli::doctor {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t most_bytes = 1u << 20;
constexpr int connect_limit_ms = 3000;

FileFacts::Kind kind_of(mode_t mode) noexcept {
    if (S_ISREG(mode)) {
        return FileFacts::Kind::file;
    }
    if (S_ISDIR(mode)) {
        return FileFacts::Kind::folder;
    }
    if (S_ISLNK(mode)) {
        return FileFacts::Kind::link;
    }
    return S_ISSOCK(mode) ? FileFacts::Kind::socket : FileFacts::Kind::other;
}

std::string text_of(int error) {
    return std::strerror(error); // NOLINT(concurrency-mt-unsafe): this program has one thread
}

/// @return 0 or an errno
int connect_to(const addrinfo& address) {
    const UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        return errno;
    }
    if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    pollfd watched{fd.get(), POLLOUT, 0};
    if (::poll(&watched, 1, connect_limit_ms) != 1) {
        return ETIMEDOUT;
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

} // namespace

std::optional<std::string> LinuxSystem::variable(const std::string& name) const {
    const char* value =
        std::getenv(name.c_str()); // NOLINT(concurrency-mt-unsafe): this program has one thread
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
}

unsigned LinuxSystem::user_id() const {
    return ::geteuid();
}

std::string LinuxSystem::user_name() const {
    const passwd* user =
        ::getpwuid(::geteuid()); // NOLINT(concurrency-mt-unsafe): this program has one thread
    return user != nullptr ? user->pw_name : std::to_string(::geteuid());
}

fs::path LinuxSystem::program() const {
    std::error_code ignored;
    return fs::read_symlink("/proc/self/exe", ignored);
}

std::optional<FileFacts> LinuxSystem::look(const fs::path& path) const {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return FileFacts{kind_of(status.st_mode), status.st_uid, status.st_mode & 07777u,
                     std::chrono::system_clock::from_time_t(status.st_mtime)};
}

std::optional<fs::path> LinuxSystem::resolve(const fs::path& path) const {
    std::error_code failed;
    fs::path real = fs::canonical(path, failed);
    return failed ? std::nullopt : std::optional<fs::path>(std::move(real));
}

bool LinuxSystem::may_execute(const fs::path& path) const {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

bool LinuxSystem::may_read_and_write(const fs::path& path) const {
    return ::access(path.c_str(), R_OK | W_OK) == 0;
}

std::vector<fs::path> LinuxSystem::entries(const fs::path& folder) const {
    std::vector<fs::path> found;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        found.push_back(at->path());
    }
    std::ranges::sort(found);
    return found;
}

std::optional<std::string> LinuxSystem::read(const fs::path& path) const {
    try {
        return read_file(path, most_bytes);
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::optional<DiskFacts> LinuxSystem::disk(const fs::path& path) const {
    struct statvfs status{};
    fs::path place = path;
    while (::statvfs(place.c_str(), &status) != 0) {
        if (errno != ENOENT || place == place.parent_path()) {
            return std::nullopt;
        }
        place = place.parent_path();
    }
    DiskFacts facts;
    facts.free_bytes = std::uint64_t{status.f_bavail} * status.f_frsize;
    facts.total_bytes = std::uint64_t{status.f_blocks} * status.f_frsize;
    facts.free_files = status.f_files == 0 ? std::numeric_limits<std::uint64_t>::max() : status.f_favail;
    facts.read_only = (status.f_flag & ST_RDONLY) != 0;
    return facts;
}

std::optional<process::ProgramAnswer> LinuxSystem::ask(const std::vector<std::string>& words) const {
    try {
        return process::ask_program(words);
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::optional<std::string> LinuxSystem::connect_failure(const std::string& host,
                                                        const std::string& port) const {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list); failed != 0) {
        return ::gai_strerror(failed);
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
    int error = EADDRNOTAVAIL;
    for (const addrinfo* one = list; one != nullptr && error != 0; one = one->ai_next) {
        error = connect_to(*one);
    }
    return error == 0 ? std::nullopt : std::optional<std::string>(text_of(error));
}

std::chrono::system_clock::time_point LinuxSystem::now() const {
    return std::chrono::system_clock::now();
}

ClockState LinuxSystem::clock_state() const {
    timex ask{};
    if (::adjtimex(&ask) < 0) {
        return ClockState::unknown;
    }
    return (ask.status & STA_UNSYNC) != 0 ? ClockState::free_running : ClockState::synchronised;
}

} // namespace hearth::cli::doctor
