#include "base/json.hpp"

#include "base/error.hpp"
#include "base/json_order.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace hearth {
namespace {

/// Watches nlohmann's parser for what its grammar allows and our borders do not.
class StrictJson {
  public:
    StrictJson(std::string_view what, int max_depth) : what_(what), max_depth_(max_depth) {}

    bool accept(int depth, Json::parse_event_t event, const Json& parsed) {
        switch (event) {
        case Json::parse_event_t::object_start:
            keys_.emplace_back();
            check_depth(depth);
            break;
        case Json::parse_event_t::object_end:
            keys_.pop_back();
            break;
        case Json::parse_event_t::array_start:
            check_depth(depth);
            break;
        case Json::parse_event_t::array_end:
            break;
        case Json::parse_event_t::key:
            check_key(parsed.get_ref<const std::string&>());
            break;
        case Json::parse_event_t::value:
            if (parsed.is_string()) {
                check_text(parsed.get_ref<const std::string&>());
            }
            break;
        }
        return true;
    }

  private:
    [[noreturn]] void refuse(const std::string& why) const {
        throw Error(ErrorCode::invalid_argument, std::string(what_) + " " + why);
    }

    void check_depth(int depth) const { // `depth` counts the containers around this one
        if (depth >= max_depth_) {
            refuse("is nested deeper than " + std::to_string(max_depth_) + " levels");
        }
    }

    void check_text(const std::string& text) const {
        if (text.find('\0') != std::string::npos) {
            refuse("holds the character U+0000");
        }
    }

    void check_key(const std::string& key) {
        check_text(key);
        if (!keys_.back().insert(key).second) {
            refuse("names the key \"" + key.substr(0, 100) + "\" twice in one object");
        }
    }

    std::string_view what_;
    int max_depth_;
    std::vector<std::unordered_set<std::string>> keys_; // one set per open object
};

[[noreturn]] void throw_wrong_type(const char* key, const char* type) {
    throw Error(ErrorCode::invalid_argument, "option \"" + std::string(key) + "\" must be of type " + type);
}

/// The member, or nullptr when absent or null.
const Json* find_member(const Json& object, const char* key) {
    if (!object.is_object()) {
        throw Error(ErrorCode::invalid_argument, "a JSON object is required");
    }
    const auto member = object.find(key);
    return member == object.end() || member->is_null() ? nullptr : &*member;
}

bool holds_ordered(const Json& value) {
    return is_ordered(value) || (value.is_structured() && std::ranges::any_of(value, holds_ordered));
}

void append_text(const Json& value, std::string& text) {
    if (is_ordered(value)) {
        text.append(value.get_binary().begin(), value.get_binary().end());
    } else if (!holds_ordered(value)) {
        text += value.dump(-1, ' ', false, Json::error_handler_t::replace);
    } else {
        const bool object = value.is_object();
        text += object ? '{' : '[';
        for (auto part = value.begin(); part != value.end(); ++part) {
            text += part == value.begin() ? "" : ",";
            text += object ? to_text(part.key()) + ":" : "";
            append_text(*part, text);
        }
        text += object ? '}' : ']';
    }
}

} // namespace

Json parse_json(std::string_view text, std::string_view what, int max_depth) {
    const std::size_t nul = text.find('\0'); // nlohmann's parser takes it for the end
    if (nul != std::string_view::npos) {
        throw Error(ErrorCode::invalid_argument,
                    std::string(what) + " is not valid JSON at byte " + std::to_string(nul + 1));
    }
    StrictJson strict(what, max_depth);
    const auto callback = [&strict](int depth, Json::parse_event_t event, Json& parsed) {
        return strict.accept(depth, event, parsed);
    };
    try {
        return Json::parse(text.begin(), text.end(), callback);
    } catch (const Json::parse_error& error) {
        // nlohmann's own sentence quotes the input, which may be a prompt.
        throw Error(ErrorCode::invalid_argument,
                    std::string(what) + " is not valid JSON at byte " + std::to_string(error.byte));
    } catch (const Json::exception&) { // a number out of range
        throw Error(ErrorCode::invalid_argument, std::string(what) + " holds a number out of range");
    }
}

std::string to_text(const Json& value) {
    std::string text;
    append_text(value, text);
    return text;
}

std::optional<std::string> get_string(const Json& object, const char* key) {
    const Json* member = find_member(object, key);
    if (member == nullptr) {
        return std::nullopt;
    }
    if (!member->is_string()) {
        throw_wrong_type(key, "string");
    }
    return member->get<std::string>();
}

std::optional<std::int64_t> get_integer(const Json& object, const char* key) {
    const Json* member = find_member(object, key);
    if (member == nullptr) {
        return std::nullopt;
    }
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
    if (member->is_number_unsigned() && member->get<std::uint64_t>() > std::uint64_t{largest}) {
        throw_wrong_type(key, "integer");
    }
    if (member->is_number_integer()) {
        return member->get<std::int64_t>();
    }
    constexpr double exact_limit = 9007199254740992.0; // 2^53: JavaScript clients send 4096.0
    if (member->is_number_float()) {
        const double number = member->get<double>();
        if (std::trunc(number) == number && std::abs(number) <= exact_limit) {
            return static_cast<std::int64_t>(number);
        }
    }
    throw_wrong_type(key, "integer");
}

std::optional<double> get_number(const Json& object, const char* key) {
    const Json* member = find_member(object, key);
    if (member == nullptr) {
        return std::nullopt;
    }
    if (!member->is_number()) {
        throw_wrong_type(key, "number");
    }
    return member->get<double>();
}

std::optional<bool> get_bool(const Json& object, const char* key) {
    const Json* member = find_member(object, key);
    if (member == nullptr) {
        return std::nullopt;
    }
    if (!member->is_boolean()) {
        throw_wrong_type(key, "boolean");
    }
    return member->get<bool>();
}

std::string require_string(const Json& object, const char* key) {
    auto value = get_string(object, key);
    if (!value) {
        throw Error(ErrorCode::invalid_argument, "\"" + std::string(key) + "\" is required");
    }
    return std::move(*value);
}

} // namespace hearth
