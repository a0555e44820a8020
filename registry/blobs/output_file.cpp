#include "registry/blobs/output_file.hpp"

#include "base/error.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/blobs/publish.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>

namespace hearth::registry {
namespace {

constexpr std::size_t read_bytes = std::size_t{1} << 20;

/// The kernel gives a read lease only on a file that nobody has open for writing. It is given back at once; if
/// somebody opened the file in between, the signal that tells us is one that is ignored by default.
/// Filesystems without leases cannot say.
bool has_writer(int fd) {
    ::fcntl(fd, F_SETSIG, SIGURG);
    if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN;
    ::fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

} // namespace

OutputFile::OutputFile(const BlobStore& store) : store_(store) {
    static std::atomic<std::uint64_t> count{0};
    path_ = store.data_dir() / "tmp" / fmt::format("{}.made", count.fetch_add(1));
    const UniqueFd made(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made)
        throw system_error(errno, "creating " + path_.string());
}

OutputFile::~OutputFile() {
    if (!published_)
        ::unlink(path_.c_str());
}

UniqueFd OutputFile::open_writer() const {
    UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd)
        throw system_error(errno, "opening " + path_.string());
    return fd;
}

void OutputFile::seal() {
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!fd_ || ::fchmod(fd_.get(), 0400) != 0 || ::fstat(fd_.get(), &status) != 0)
        throw system_error(errno, "closing " + path_.string());
    if (has_writer(fd_.get()))
        throw Error(ErrorCode::internal, "a process can still write to " + path_.string());
    size_ = static_cast<std::uint64_t>(status.st_size);
}

bool OutputFile::hash_some(std::uint64_t bytes) {
    assert(fd_);
    std::string buffer(read_bytes, '\0');
    const std::uint64_t end = std::min(size_, hashed_ + bytes);
    while (hashed_ < end) {
        const std::size_t want = std::min<std::uint64_t>(buffer.size(), end - hashed_);
        const ssize_t got = ::pread(fd_.get(), buffer.data(), want, static_cast<off_t>(hashed_));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            throw system_error(got < 0 ? errno : EIO, "reading " + path_.string());
        hash_.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
        hashed_ += static_cast<std::uint64_t>(got);
    }
    return hashed_ < size_;
}

Digest OutputFile::publish() {
    assert(fd_ && hashed_ == size_);
    const Digest digest = hash_.peek();
    publish_file(fd_.get(), path_, store_.path_of(digest), size_);
    published_ = true;
    return digest;
}

} // namespace hearth::registry
