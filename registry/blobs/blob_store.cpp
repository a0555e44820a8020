#include "registry/blobs/blob_store.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/paths.hpp"
#include "registry/blobs/partial_file.hpp"
#include "registry/blobs/publish.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::registry {
namespace {

namespace fs = std::filesystem;

/// @throws Error  store_locked
UniqueFd lock_store(const fs::path& data_dir) {
    const fs::path path = data_dir / "store.lock";
    UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock)
        throw system_error(errno, "opening " + path.string());
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            throw system_error(errno, "locking " + path.string());
        throw Error(ErrorCode::store_locked, "another hearthd uses the store in " + data_dir.string(),
                    "stop it, or give this one another folder with HEARTH_DATA");
    }
    return lock;
}

/// Finds out now, not after a download, that this user cannot create, sync and rename here.
void probe(const fs::path& from_folder, const fs::path& to_folder) {
    const fs::path from = from_folder / ".probe";
    const fs::path to = to_folder / ".probe";
    const UniqueFd file(::open(from.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    const bool works = file && ::fsync(file.get()) == 0 && ::rename(from.c_str(), to.c_str()) == 0 &&
                       ::unlink(to.c_str()) == 0;
    if (works)
        return;
    const Error cause = system_error(
        errno, fmt::format("user {} cannot write in the store: {}", ::getuid(), to_folder.string()));
    throw Error(cause.code(), cause.what(),
                fmt::format("give user {} the folder: chown -R {} {}", ::getuid(), ::getuid(),
                            from_folder.parent_path().string()));
}

void delete_by_extension(const fs::path& folder, const char* extension) {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
        if (entry.path().extension() == extension)
            ::unlink(entry.path().c_str());
}

void write_all(int fd, std::string_view bytes, const fs::path& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            throw system_error(errno, "writing " + path.string());
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace

BlobStore::BlobStore(fs::path data_dir) : data_dir_(std::move(data_dir)) {
    for (const fs::path& folder :
         {data_dir_, data_dir_ / "blobs", data_dir_ / "blobs" / "sha256", data_dir_ / "tmp"})
        paths::ensure_private_dir(folder);
    lock_ = lock_store(data_dir_);
    probe(data_dir_ / "tmp", data_dir_ / "blobs" / "sha256");
    // Leftovers of deletions, small writes and quantizations that a kill cut short; nobody can want them.
    delete_by_extension(data_dir_ / "tmp", ".removed");
    delete_by_extension(data_dir_ / "tmp", ".put");
    delete_by_extension(data_dir_ / "tmp", ".made");
}

BlobStore::~BlobStore() = default;

fs::path BlobStore::path_of(const Digest& digest) const {
    return data_dir_ / "blobs" / "sha256" / digest.hex().substr(0, 2) / digest.hex();
}

fs::path BlobStore::part_of(const Digest& key) const {
    return data_dir_ / "tmp" / (key.hex() + ".part");
}

std::optional<std::uint64_t> BlobStore::size_of(const Digest& digest) const {
    struct stat status{};
    if (::lstat(path_of(digest).c_str(), &status) != 0 || !S_ISREG(status.st_mode))
        return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
}

UniqueFd BlobStore::open(const Digest& digest) const {
    UniqueFd fd(::open(path_of(digest).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd && errno == ENOENT)
        throw Error(ErrorCode::corrupt_blob, "blob " + digest.short_text() + " is missing",
                    "pull the model again");
    if (!fd)
        throw system_error(errno, "opening blob " + digest.short_text());
    return fd;
}

void BlobStore::retire(const Digest& digest) {
    const fs::path to = data_dir_ / "tmp" / (digest.hex() + ".removed");
    if (::rename(path_of(digest).c_str(), to.c_str()) != 0 && errno != ENOENT)
        throw system_error(errno, "removing blob " + digest.short_text());
}

void BlobStore::empty_trash() {
    delete_by_extension(data_dir_ / "tmp", ".removed");
}

void BlobStore::remove(const Digest& digest) {
    retire(digest);
    ::unlink((data_dir_ / "tmp" / (digest.hex() + ".removed")).c_str());
}

std::unique_ptr<PartialBlob> BlobStore::begin(const Digest& digest, std::optional<std::uint64_t> size) {
    return std::make_unique<PartialFile>(*this, part_of(digest), digest, size);
}

std::unique_ptr<PartialBlob> BlobStore::begin_unknown(const Digest& key, std::optional<std::uint64_t> size) {
    return std::make_unique<PartialFile>(*this, part_of(key), std::nullopt, size);
}

Digest BlobStore::put(std::string_view bytes) {
    const Digest digest = sha256_of(bytes);
    if (size_of(digest) == bytes.size())
        return digest;
    static std::atomic<std::uint64_t> count{0}; // two threads may put the same bytes
    const fs::path path = data_dir_ / "tmp" / fmt::format("{}-{}.put", digest.hex(), count.fetch_add(1));
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd)
        throw system_error(errno, "creating " + path.string());
    try {
        write_all(fd.get(), bytes, path);
        publish_file(fd.get(), path, path_of(digest), bytes.size());
    } catch (...) {
        ::unlink(path.c_str());
        throw;
    }
    return digest;
}

std::uint64_t BlobStore::partial_bytes() const {
    std::uint64_t bytes = 0;
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(data_dir_ / "tmp", ignored)) {
        struct stat status{};
        if (entry.path().extension() == ".part" && ::lstat(entry.path().c_str(), &status) == 0)
            bytes += static_cast<std::uint64_t>(status.st_size);
    }
    return bytes;
}

void BlobStore::discard_partial(const Digest& digest) {
    const fs::path part = part_of(digest);
    ::unlink(part.c_str());
    ::unlink(PartialFile::journal_of(part).c_str());
}

} // namespace hearth::registry
