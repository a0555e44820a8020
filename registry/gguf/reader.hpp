#pragma once

#include "registry/gguf/header.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::registry::gguf {

/// Walks a ByteSource front to back, in place where the bytes lie in memory, else through a small buffer. Every
/// length is checked against the bytes that are left before anything is reserved for it. One parse owns it.
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
    void skip_strings(std::uint64_t count, std::uint64_t limit, const char* what);
    void skip(std::uint64_t bytes);
    /// @throws Error  model_invalid when fewer bytes are left in the file, or the header limit is passed; Starved
    void require(std::uint64_t bytes) const;

    std::uint64_t position() const noexcept { return position_; }
    /// Bytes of the file (within the header limit) that are still ahead.
    std::uint64_t left() const noexcept { return end_ - position_; }
    /// How many of those can be read now.
    std::uint64_t left_here() const noexcept;
    std::uint64_t file_size() const noexcept { return file_size_; }

    /// Errors say where. Nothing is formatted before there is one.
    /// @param what  a literal: "key", "tensor"
    void set_context(const char* what, std::uint64_t number, std::uint64_t count) noexcept;
    /// The name of what set_context() counted; borrowed until the next call of either.
    void set_name(std::string_view name) noexcept { name_ = name; }
    [[noreturn]] void fail(const std::string& text) const;

  private:
    void copy(char* out, std::size_t bytes);
    void open_window();
    std::uint64_t string_length(std::uint64_t limit, const char* what);
    std::string context() const;

    const ByteSource& source_;
    std::uint64_t file_size_;
    std::uint64_t end_; // file size or header limit, whichever comes first
    std::uint64_t position_ = 0;
    std::string_view window_;        // bytes from window_start_, all of them before end_
    std::uint64_t window_start_ = 0; // ≤ position_
    std::vector<char> buffer_;
    const char* what_ = nullptr; // null: the head of the file
    std::uint64_t number_ = 0;
    std::uint64_t count_ = 0;
    std::string_view name_;
};

} // namespace hearth::registry::gguf
