#include "registry/gguf/header.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace hearth::registry::gguf {
namespace {

[[noreturn]] void refuse(std::string_view key, const char* text) {
    throw Error(ErrorCode::model_invalid, fmt::format("bad GGUF: '{}' is {}", key, text));
}

} // namespace

const Value* Header::find(std::string_view key) const {
    const auto name = [this](std::uint32_t place) { return std::string_view(keys[place].key); };
    const auto found = std::ranges::lower_bound(index, key, {}, name);
    return found == index.end() || name(*found) != key ? nullptr : &keys[*found].value;
}

std::optional<std::int64_t> Header::integer(std::string_view key) const {
    const Value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const auto* number = std::get_if<std::int64_t>(value))
        return *number;
    if (const auto* number = std::get_if<std::uint64_t>(value);
        number != nullptr && *number <= static_cast<std::uint64_t>(INT64_MAX))
        return static_cast<std::int64_t>(*number);
    refuse(key, "not a whole number");
}

std::optional<std::string> Header::text(std::string_view key) const {
    const Value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const auto* text = std::get_if<std::string>(value))
        return *text;
    refuse(key, "not text");
}

std::optional<bool> Header::boolean(std::string_view key) const {
    const Value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const auto* flag = std::get_if<bool>(value))
        return *flag;
    refuse(key, "neither true nor false");
}

} // namespace hearth::registry::gguf
