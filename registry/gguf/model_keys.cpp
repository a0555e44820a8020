#include "registry/gguf/model_keys.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

namespace hearth::registry::gguf {
namespace {

[[noreturn]] void refuse(const std::string& text) {
    throw Error(ErrorCode::model_invalid, "bad GGUF: " + text);
}

std::uint32_t checked(const std::string& key, std::int64_t value, std::int64_t highest) {
    if (value < 0 || value > highest)
        refuse(fmt::format("'{}' is {}, not 0 to {}", key, value, highest));
    return static_cast<std::uint32_t>(value);
}

/// The elements as whole numbers; booleans are 0 and 1.
std::vector<std::int64_t> whole_numbers(const std::string& key, const Array& array) {
    std::vector<std::int64_t> numbers;
    const auto take = [&](const auto& elements) {
        for (const auto element : elements)
            numbers.push_back(static_cast<std::int64_t>(element));
    };
    if (const auto* natural = std::get_if<std::vector<std::uint64_t>>(&array.elements))
        take(*natural);
    else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&array.elements))
        take(*integers);
    else if (const auto* booleans = std::get_if<std::vector<bool>>(&array.elements))
        take(*booleans);
    else
        refuse("'" + key + "' is no array of whole numbers");
    return numbers;
}

} // namespace

ModelKeys::ModelKeys(const Header& header) : header_(header) {
    architecture_ = header.text("general.architecture").value_or("");
    if (architecture_.empty())
        refuse("'general.architecture' is missing");
    layers_ = needed("block_count", most_layers);
    if (layers_ == 0)
        refuse("'" + full("block_count") + "' is 0");
}

std::string ModelKeys::full(std::string_view key) const {
    return fmt::format("{}.{}", architecture_, key);
}

const Value* ModelKeys::find(std::string_view key) const {
    return header_.find(full(key));
}

const Array* ModelKeys::find_array(std::string_view key) const {
    const Value* value = find(key);
    return value == nullptr ? nullptr : std::get_if<Array>(value);
}

std::uint32_t ModelKeys::number(std::string_view key, std::uint32_t absent, std::int64_t highest) const {
    const std::string name = full(key);
    const auto value = header_.integer(name);
    return value ? checked(name, *value, highest) : absent;
}

std::uint32_t ModelKeys::needed(std::string_view key, std::int64_t highest) const {
    if (!has(key))
        refuse("'" + full(key) + "' is missing");
    return number(key, 0, highest);
}

std::vector<std::uint32_t> ModelKeys::per_layer(std::string_view key, std::uint32_t absent,
                                                std::int64_t highest) const {
    const Array* array = find_array(key);
    if (array == nullptr)
        return std::vector<std::uint32_t>(layers_, number(key, absent, highest));
    const std::string name = full(key);
    if (array->count != layers_)
        refuse(fmt::format("'{}' has {} entries for {} layers", name, array->count, layers_));
    std::vector<std::uint32_t> values;
    for (const std::int64_t value : whole_numbers(name, *array))
        values.push_back(checked(name, value, highest));
    return values;
}

std::optional<std::vector<bool>> ModelKeys::flags(std::string_view key) const {
    if (find_array(key) == nullptr)
        return std::nullopt;
    std::vector<bool> flags;
    for (const std::uint32_t value : per_layer(key, 0))
        flags.push_back(value != 0);
    return flags;
}

std::optional<bool> ModelKeys::flag(std::string_view key) const {
    return header_.boolean(full(key));
}

std::uint32_t ModelKeys::vocabulary() const {
    if (has("vocab_size"))
        return number("vocab_size", 0);
    const Value* tokens = header_.find("tokenizer.ggml.tokens");
    const Array* array = tokens == nullptr ? nullptr : std::get_if<Array>(tokens);
    return array == nullptr ? 0 : static_cast<std::uint32_t>(array->count); // ≤ limits::array_elements
}

} // namespace hearth::registry::gguf
