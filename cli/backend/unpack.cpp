#include "cli/backend/unpack.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "cli/backend/plain_path.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::cli::backend {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block_bytes = 64u << 10;

struct FreeArchive {
    void operator()(archive* reader) const noexcept { archive_read_free(reader); }
};

Error refused(std::string_view why) {
    return Error(ErrorCode::backend_failed, fmt::format("the archive is refused: {}", why));
}

const char* kind_name(unsigned type) {
    switch (type) {
    case AE_IFLNK:
        return "a symbolic link";
    case AE_IFCHR:
    case AE_IFBLK:
        return "a device";
    case AE_IFIFO:
        return "a pipe";
    case AE_IFSOCK:
        return "a socket";
    default:
        return "no regular file";
    }
}

/// One archive on its way into a folder.
class Unpacking {
  public:
    Unpacking(int fd, fs::path folder, const UnpackLimits& limits)
        : folder_(std::move(folder)), limits_(limits), reader_(archive_read_new()) {
        if (!reader_) {
            throw std::bad_alloc();
        }
        // One format and one filter: what is not needed cannot be attacked.
        archive_read_support_filter_gzip(reader_.get());
        archive_read_support_format_tar(reader_.get());
        if (archive_read_open_fd(reader_.get(), fd, block_bytes) != ARCHIVE_OK) {
            throw refused(last_error());
        }
    }

    void run() {
        while (archive_entry* entry = next()) {
            take(entry);
        }
        if (files_ == 0) {
            throw refused("it holds no file");
        }
        sync_folders();
    }

  private:
    std::string last_error() const {
        const char* text = archive_error_string(reader_.get());
        return text != nullptr ? text : "it cannot be read";
    }

    /// Null at the end. A warning of the library is a refusal: nothing of a package needs to be guessed.
    archive_entry* next() {
        archive_entry* entry = nullptr;
        const int result = archive_read_next_header(reader_.get(), &entry);
        if (result == ARCHIVE_EOF) {
            return nullptr;
        }
        if (result != ARCHIVE_OK) {
            throw refused(last_error());
        }
        if (++entries_ > limits_.entries) {
            throw Error(ErrorCode::too_large,
                        fmt::format("the archive has more than {} entries", limits_.entries));
        }
        return entry;
    }

    void take(archive_entry* entry) {
        const char* named = archive_entry_pathname(entry);
        std::string name = named != nullptr ? named : "";
        const unsigned type = archive_entry_filetype(entry);
        if (archive_entry_hardlink(entry) != nullptr) {
            throw refused(fmt::format("\"{}\" is a hard link", name));
        }
        if (type != AE_IFREG && type != AE_IFDIR) {
            throw refused(fmt::format("\"{}\" is {}", name, kind_name(type)));
        }
        if (type == AE_IFDIR && name.ends_with('/')) {
            name.pop_back();
        }
        std::vector<std::string> parts = plain_path(name);
        parts.erase(parts.begin()); // the folder on top, which npm calls "package"
        if (type == AE_IFDIR) {
            make_folders(parts);
            return;
        }
        if (parts.empty()) {
            throw refused(fmt::format("\"{}\" lies outside of the package's folder", name));
        }
        write_file(parts, archive_entry_size(entry));
    }

    /// @return the last of them
    fs::path make_folders(const std::vector<std::string>& parts) {
        fs::path path = folder_;
        for (const std::string& part : parts) {
            path /= part;
            if (::mkdir(path.c_str(), 0755) == 0) {
                continue;
            }
            if (errno != EEXIST) {
                throw system_error(errno, "creating folder " + path.string());
            }
            if (std::error_code failed; !fs::is_directory(path, failed)) {
                throw refused(fmt::format("\"{}\" is a file and a folder", part));
            }
        }
        return path;
    }

    void write_file(const std::vector<std::string>& parts, std::int64_t size) {
        if (size < 0 || static_cast<std::uint64_t>(size) > limits_.bytes - bytes_) {
            throw_too_large();
        }
        const fs::path path = make_folders({parts.begin(), parts.end() - 1}) / parts.back();
        const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file) {
            throw errno == EEXIST ? refused(fmt::format("\"{}\" comes twice", path.filename().string()))
                                  : system_error(errno, "creating " + path.string());
        }
        copy_content(file.get(), path);
        if (::fsync(file.get()) != 0) {
            throw system_error(errno, "writing " + path.string());
        }
        ++files_;
    }

    void copy_content(int file, const fs::path& path) {
        for (;;) {
            const la_ssize_t got = archive_read_data(reader_.get(), buffer_.data(), buffer_.size());
            if (got == 0) {
                return;
            }
            if (got < 0) {
                throw refused(last_error());
            }
            bytes_ += static_cast<std::uint64_t>(got);
            if (bytes_ > limits_.bytes) {
                throw_too_large();
            }
            write_all(file, std::string_view(buffer_.data(), static_cast<std::size_t>(got)), path);
        }
    }

    static void write_all(int file, std::string_view content, const fs::path& path) {
        while (!content.empty()) {
            const ssize_t written = ::write(file, content.data(), content.size());
            if (written >= 0) {
                content.remove_prefix(static_cast<std::size_t>(written));
            } else if (errno != EINTR) {
                throw system_error(errno, "writing " + path.string());
            }
        }
    }

    [[noreturn]] void throw_too_large() const {
        throw Error(ErrorCode::too_large,
                    fmt::format("the archive unpacks to more than {} bytes", limits_.bytes));
    }

    void sync_folders() const {
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_)) {
            if (entry.is_directory()) {
                sync_directory(entry.path());
            }
        }
        sync_directory(folder_);
    }

    const fs::path folder_;
    const UnpackLimits limits_;
    std::unique_ptr<archive, FreeArchive> reader_;
    std::array<char, block_bytes> buffer_{};
    std::uint64_t bytes_ = 0;
    std::uint64_t entries_ = 0;
    std::uint64_t files_ = 0;
};

} // namespace

void unpack_package(int archive_fd, const fs::path& folder, const UnpackLimits& limits) {
    Unpacking(archive_fd, folder, limits).run();
}

} // namespace hearth::cli::backend
