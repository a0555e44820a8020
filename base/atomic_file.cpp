#include "base/atomic_file.hpp"

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth {
namespace {

void write_all(int fd, std::string_view content, const std::string& doing) {
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            throw system_error(errno, doing);
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// A file that is gone unless `keep` was called.
class TemporaryFile {
  public:
    TemporaryFile(const std::filesystem::path& beside, const std::string& doing)
        : path_((beside.parent_path() / ("." + beside.filename().string() + ".XXXXXX")).string()) {
        fd_.reset(::mkostemp(path_.data(), O_CLOEXEC));
        if (!fd_) {
            throw system_error(errno, doing);
        }
    }
    ~TemporaryFile() {
        if (!kept_) {
            ::unlink(path_.c_str());
        }
    }
    TemporaryFile(const TemporaryFile&) = delete;

    int fd() const noexcept { return fd_.get(); }
    const char* path() const noexcept { return path_.c_str(); }
    void keep() noexcept { kept_ = true; }

  private:
    std::string path_;
    UniqueFd fd_;
    bool kept_ = false;
};

} // namespace

void sync_directory(const std::filesystem::path& directory) {
    const std::filesystem::path target = directory.empty() ? "." : directory;
    const std::string doing = "syncing folder " + target.string();
    const UniqueFd fd(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) {
        throw system_error(errno, doing);
    }
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content, unsigned mode) {
    const std::string doing = "writing " + path.string();
    TemporaryFile file(path, doing);
    write_all(file.fd(), content, doing);
    if (::fchmod(file.fd(), mode) != 0 || ::fsync(file.fd()) != 0 ||
        ::rename(file.path(), path.c_str()) != 0) {
        throw system_error(errno, doing);
    }
    file.keep();
    sync_directory(path.parent_path());
}

std::string read_file(const std::filesystem::path& path, std::uint64_t limit) {
    const std::string doing = "reading " + path.string();
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        throw system_error(errno, doing);
    }
    std::string content;
    std::string block(64u << 10, '\0');
    while (true) {
        const ssize_t got = ::read(fd.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            throw system_error(errno, doing);
        }
        if (got == 0) {
            return content;
        }
        if (content.size() + static_cast<std::size_t>(got) > limit) {
            throw Error(ErrorCode::too_large, doing + ": larger than " + std::to_string(limit) + " bytes");
        }
        content.append(block.data(), static_cast<std::size_t>(got));
    }
}

} // namespace hearth
