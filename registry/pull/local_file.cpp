#include "registry/pull/local_file.hpp"

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "registry/blobs/blob_store.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace hearth::registry {

namespace {
constexpr std::size_t chunk_bytes = std::size_t{1} << 20;
}

LocalFile::LocalFile(const std::filesystem::path& path)
    : path_(path), name_(path.filename().string()),
      // O_NONBLOCK: a pipe or device must not hang the service before fstat refuses it
      fd_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
    if (!fd_) {
        if (errno == ENOENT || errno == ENOTDIR) {
            throw Error(ErrorCode::model_not_found, path.string() + " does not exist");
        }
        throw system_error(errno, "opening " + path.string());
    }
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) {
        throw system_error(errno, "reading " + path.string());
    }
    if (!S_ISREG(status.st_mode)) {
        throw Error(ErrorCode::invalid_argument, path.string() + " is not a regular file");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
    state_ = state();
    std::array<char, 4> magic{};
    if (::pread(fd_.get(), magic.data(), magic.size(), 0) != 4 ||
        std::string_view(magic.data(), 4) != "GGUF") {
        throw Error(ErrorCode::model_invalid, path.string() + " is not a GGUF file");
    }
}

std::string LocalFile::state() const {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) {
        throw system_error(errno, "reading " + path_.string());
    }
    return fmt::format("{}:{}:{}:{}.{:09}:{}.{:09}", status.st_dev, status.st_ino, status.st_size,
                       status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                       status.st_ctim.tv_nsec);
}

Digest LocalFile::key() const {
    return sha256_of("file://" + path_.string() + "\n" + state_);
}

std::string LocalFile::read(std::uint64_t from, std::uint64_t bytes) const {
    std::string part(from < size_ ? std::min(bytes, size_ - from) : 0, '\0');
    std::size_t got = 0;
    while (got < part.size()) {
        const ssize_t count =
            ::pread(fd_.get(), part.data() + got, part.size() - got, static_cast<off_t>(from + got));
        if (count < 0 && errno != EINTR) {
            throw system_error(errno, "reading " + path_.string());
        }
        if (count == 0) { // became shorter
            part.resize(got);
        }
        got += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return part;
}

bool LocalFile::copy_some(PartialBlob& partial, std::uint64_t limit) const {
    std::string chunk;
    for (std::uint64_t copied = 0; copied < limit && partial.offset() < size_;) {
        chunk.resize(std::min<std::uint64_t>(chunk_bytes, size_ - partial.offset()));
        const ssize_t count =
            ::pread(fd_.get(), chunk.data(), chunk.size(), static_cast<off_t>(partial.offset()));
        if (count < 0 && errno != EINTR) {
            throw system_error(errno, "reading " + path_.string());
        }
        if (count == 0) {
            throw Error(ErrorCode::model_invalid, path_.string() + " became shorter while it was copied");
        }
        if (count > 0) {
            partial.append(std::string_view(chunk).substr(0, static_cast<std::size_t>(count)));
            copied += static_cast<std::uint64_t>(count);
        }
    }
    return partial.offset() < size_;
}

void LocalFile::expect_unchanged() const {
    if (state() != state_) {
        throw Error(ErrorCode::model_invalid, path_.string() + " changed while it was copied",
                    "pull again when it is complete");
    }
}

} // namespace hearth::registry
