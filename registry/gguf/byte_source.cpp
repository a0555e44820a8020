#include "registry/gguf/byte_source.hpp"

#include "base/error.hpp"

#include <cassert>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::registry::gguf {

void PrefixSource::read(std::uint64_t offset, std::span<char> out) const {
    assert(offset <= prefix_.size() && out.size() <= prefix_.size() - offset);
    if (!out.empty())
        std::memcpy(out.data(), prefix_.data() + offset, out.size());
}

FileSource::FileSource(int fd) : fd_(fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        throw system_error(errno, "looking at a model file");
    if (!S_ISREG(status.st_mode)) // a FIFO or device would block for ever
        throw Error(ErrorCode::model_invalid, "not a regular file");
    size_ = static_cast<std::uint64_t>(status.st_size);
}

void FileSource::read(std::uint64_t offset, std::span<char> out) const {
    while (!out.empty()) {
        const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw system_error(errno, "reading a model file");
        if (got == 0)
            throw Error(ErrorCode::model_invalid, "the model file became shorter while it was read");
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

} // namespace hearth::registry::gguf
