#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace hearth::registry::gguf {

/// Where the parser takes its bytes from: an open file, or the first bytes of one that lies somewhere else.
class ByteSource {
  public:
    static constexpr std::uint64_t unknown_size = std::numeric_limits<std::uint64_t>::max();

    virtual ~ByteSource() = default;
    /// Bytes of the whole file; unknown_size when nobody said.
    virtual std::uint64_t size() const = 0;
    /// Bytes from the start that can be read now.
    virtual std::uint64_t available() const = 0;
    /// Fills `out` from `offset`; the caller stays inside available(). @throws Error store_failed
    virtual void read(std::uint64_t offset, std::span<char> out) const = 0;
    /// All available bytes where they lie in memory anyway, so that nobody copies them; else empty.
    virtual std::string_view in_memory() const { return {}; }
};

/// A prefix in memory, of a file that may be longer: what a ranged download has so far. Does not own the
/// bytes.
class PrefixSource final : public ByteSource {
  public:
    /// @param file_size  of the whole file; absent: `prefix` is all of it
    explicit PrefixSource(std::string_view prefix, std::optional<std::uint64_t> file_size = {}) noexcept
        : prefix_(prefix), size_(file_size.value_or(prefix.size())) {}

    std::uint64_t size() const override { return size_; }
    std::uint64_t available() const override { return prefix_.size(); }
    void read(std::uint64_t offset, std::span<char> out) const override;
    std::string_view in_memory() const override { return prefix_; }

  private:
    std::string_view prefix_;
    std::uint64_t size_;
};

/// An open regular file; borrows the descriptor. Blocking.
class FileSource final : public ByteSource {
  public:
    /// @throws Error  model_invalid when it is no regular file, store_failed
    explicit FileSource(int fd);

    std::uint64_t size() const override { return size_; }
    std::uint64_t available() const override { return size_; }
    void read(std::uint64_t offset, std::span<char> out) const override;

  private:
    int fd_;
    std::uint64_t size_ = 0;
};

} // namespace hearth::registry::gguf
