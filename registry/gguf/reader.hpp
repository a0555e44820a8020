#pragma once

#include "registry/gguf/header.hpp"

#include <exception>
#include <string>
#include <vector>

namespace hearth::registry::gguf {

/// Walks a ByteSource front to back through a small buffer. Every length is checked against the bytes that
/// are left before anything is reserved for it. One parse owns it.
class Reader {
  public:
    explicit Reader(const ByteSource& source);

    /// Thrown when the bytes exist but are not there yet.
    class Starved : public std::exception {
      public:
        explicit Starved(std::uint64_t bytes) noexcept : at_least(bytes) {}
        std::uint64_t at_least; ///< bytes of the file that must be there
    };

    template <class Integer> Integer integer();
    float f32();
    double f64();
    /// u64 length and bytes. @throws Error model_invalid above `limit`
    std::string string(std::uint64_t limit, const char* what);
    void skip_string(std::uint64_t limit, const char* what);
    void skip(std::uint64_t bytes);
    /// @throws Error  model_invalid when fewer bytes are left in the file, or the metadata limit is passed;
    /// Starved
    void require(std::uint64_t bytes);

    std::uint64_t position() const noexcept { return position_; }
    /// Bytes of the file (within the metadata limit) that are still ahead.
    std::uint64_t left() const noexcept { return end_ - position_; }
    std::uint64_t file_size() const noexcept { return file_size_; }
    /// Errors say where: "while reading key 'x'".
    void set_context(std::string context) { context_ = std::move(context); }
    [[noreturn]] void fail(const std::string& text) const;

  private:
    void copy(char* out, std::size_t bytes);
    std::uint64_t string_length(std::uint64_t limit, const char* what);

    const ByteSource& source_;
    std::uint64_t file_size_;
    std::uint64_t end_; // file size or metadata limit, whichever comes first
    std::uint64_t position_ = 0;
    std::vector<char> buffer_;
    std::uint64_t buffer_start_ = 0;
    std::string context_ = "the head";
};

} // namespace hearth::registry::gguf
