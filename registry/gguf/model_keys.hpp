#pragma once

#include "registry/gguf/header.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::registry::gguf {

/// The keys of one architecture, "llama.block_count" by "block_count", with the ranges of memory.md 1.4. Views
/// the header and is used while it lives.
class ModelKeys {
  public:
    static constexpr std::int64_t most_layers = 512;
    static constexpr std::int64_t largest = std::int64_t{1} << 24; ///< of any width, count or context

    /// @throws Error  model_invalid: no architecture, or a layer count below 1 or above 512
    explicit ModelKeys(const Header& header);

    const std::string& architecture() const noexcept { return architecture_; }
    std::uint32_t layers() const noexcept { return layers_; }
    bool has(std::string_view key) const { return find(key) != nullptr; }
    /// A number, or `absent`. @throws Error model_invalid when it is not in 0 … highest
    std::uint32_t number(std::string_view key, std::uint32_t absent, std::int64_t highest = largest) const;
    /// As `number`, without a default. @throws Error model_invalid also when it is missing
    std::uint32_t needed(std::string_view key, std::int64_t highest = largest) const;
    /// One value for every layer, or an array with a value for each.
    /// @throws Error  model_invalid: another length, a type or value that cannot be
    std::vector<std::uint32_t> per_layer(std::string_view key, std::uint32_t absent,
                                         std::int64_t highest = largest) const;
    /// Flags of an array (of booleans or numbers); absent when the key is, or is one number.
    std::optional<std::vector<bool>> flags(std::string_view key) const;
    std::optional<bool> flag(std::string_view key) const;
    /// Entries of the tokenizer, or `{a}.vocab_size`; 0: neither is there.
    std::uint32_t vocabulary() const;

  private:
    std::string full(std::string_view key) const;
    const Value* find(std::string_view key) const;
    const Array* find_array(std::string_view key) const;

    const Header& header_;
    std::string architecture_;
    std::uint32_t layers_ = 0;
};

} // namespace hearth::registry::gguf
