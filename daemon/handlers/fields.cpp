#include "daemon/handlers/fields.hpp"

#include "base/error.hpp"
#include "base/json_order.hpp"
#include "base/time.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

namespace hearth::daemon {
namespace {

[[noreturn]] void refuse(const char* key, const std::string& type) {
    throw Error(ErrorCode::invalid_argument, fmt::format("field \"{}\" must be of type {}", key, type));
}

const Json* find(const Json& object, const char* key) {
    const auto member = object.find(key);
    return member == object.end() || member->is_null() ? nullptr : &*member;
}

} // namespace

std::optional<std::string> string_field(const Json& object, const char* key) {
    const Json* value = find(object, key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_string()) {
        refuse(key, "string");
    }
    return value->get<std::string>();
}

std::optional<bool> flag_field(const Json& object, const char* key) {
    const Json* value = find(object, key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_boolean()) {
        refuse(key, "boolean");
    }
    return value->get<bool>();
}

std::optional<double> number_field(const Json& object, const char* key, double least, double most) {
    const Json* value = find(object, key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_number()) {
        refuse(key, "number");
    }
    const double number = value->get<double>();
    if (!std::isfinite(number) || number < least || number > most) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("field \"{}\" must be between {} and {}", key, least, most));
    }
    return number;
}

std::optional<std::int64_t> integer_field(const Json& object, const char* key, std::int64_t least,
                                          std::int64_t most) {
    constexpr double exact = 9007199254740992.0;
    const auto number = number_field(object, key, -9.2e18, 9.2e18);
    if (!number) {
        return std::nullopt;
    }
    const Json& value = object.at(key);
    if (std::trunc(*number) != *number || (value.is_number_float() && std::abs(*number) > exact)) {
        refuse(key, "integer");
    }
    const std::int64_t integer =
        value.is_number_float() ? static_cast<std::int64_t>(*number) : value.get<std::int64_t>();
    if (integer < least || integer > most) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("field \"{}\" must be between {} and {}", key, least, most));
    }
    return integer;
}

std::vector<std::string> strings_field(const Json& object, const char* key) {
    std::vector<std::string> texts;
    for (const Json& text : array_field(object, key)) {
        if (!text.is_string()) {
            refuse(key, "list of strings");
        }
        texts.push_back(text.get<std::string>());
    }
    return texts;
}

Json object_field(const Json& object, const char* key) {
    const Json* value = find(object, key);
    if (value != nullptr && !is_any_object(*value)) {
        refuse(key, "object");
    }
    return value == nullptr ? Json() : *value;
}

Json array_field(const Json& object, const char* key) {
    const Json* value = find(object, key);
    if (value != nullptr && !value->is_array()) {
        refuse(key, "array");
    }
    return value == nullptr ? Json::array() : *value;
}

std::string model_field(const Json& object) {
    std::string model = string_field(object, "model").value_or("");
    if (model.empty()) {
        model = string_field(object, "name").value_or("");
    }
    if (model.empty()) {
        throw Error(ErrorCode::invalid_argument, "model is required");
    }
    return model;
}

std::optional<std::chrono::nanoseconds> keep_alive_field(const Json& object) {
    const Json* value = find(object, "keep_alive");
    if (value == nullptr) {
        return std::nullopt;
    }
    if (value->is_string()) {
        return parse_go_duration(value->get<std::string>());
    }
    if (!value->is_number()) {
        refuse("keep_alive", "number of seconds, or a duration such as \"10m\"");
    }
    const double seconds = value->get<double>();
    if (!std::isfinite(seconds)) {
        refuse("keep_alive", "finite number");
    }
    if (seconds < 0) {
        return std::chrono::nanoseconds(-1);
    }
    constexpr double most = 9.0e9; // about 285 years; the count of nanoseconds must fit 63 bits
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(seconds, most) * 1e9));
}

} // namespace hearth::daemon
