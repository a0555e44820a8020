#pragma once

#include "registry/gguf/reader.hpp"

#include <string_view>

namespace hearth::registry::gguf {

/// Of one element in the file; of a string the least: its length.
std::uint64_t element_bytes(ValueType type) noexcept;

/// How long a text under this key may be.
std::uint64_t string_limit(std::string_view key) noexcept;

/// Reads the values of keys, and counts what their arrays have kept. One parse owns it; borrows the reader.
class ValueReader {
  public:
    ValueReader(Reader& reader, ParseOptions options) noexcept : reader_(reader), options_(options) {}

    /// A type and a value of it. @throws Error model_invalid; Reader::Starved
    Value read(std::string_view key);

  private:
    Value read_value(std::string_view key, ValueType type);
    Array read_array(std::string_view key);
    void read_elements(Array& array, std::uint64_t text_limit);
    void skip_elements(const Array& array, std::uint64_t text_limit);
    bool keeps(const Array& array) const noexcept;

    Reader& reader_;
    ParseOptions options_;
    std::uint64_t kept_ = 0; // elements
};

} // namespace hearth::registry::gguf
