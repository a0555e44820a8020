#include "registry/gguf/sampling.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdlib>
#include <type_traits>
#include <utility>
#include <variant>

namespace hearth::registry::gguf {
namespace {

using Json = nlohmann::json;

/// null: no finite number.
Json number_of(const Value& value) {
    return std::visit(
        []<typename T>(const T& held) -> Json {
            if constexpr (std::is_same_v<T, std::uint64_t> || std::is_same_v<T, std::int64_t>) {
                return held;
            } else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
                // By way of its shortest text: 0.6 as a float is to stay 0.6.
                return std::isfinite(held) ? Json(std::strtod(fmt::format("{}", held).c_str(), nullptr))
                                           : Json();
            } else {
                return {};
            }
        },
        value);
}

} // namespace

std::string recommended_options(const Header& header) {
    static constexpr std::pair<const char*, const char*> names[] = {
        {"general.sampling.temp", "temperature"},
        {"general.sampling.top_k", "top_k"},
        {"general.sampling.top_p", "top_p"},
        {"general.sampling.min_p", "min_p"},
        {"general.sampling.penalty_last_n", "repeat_last_n"},
        {"general.sampling.penalty_repeat", "repeat_penalty"}};
    Json options = Json::object();
    for (const auto& [key, name] : names) {
        const Value* value = header.find(key);
        if (Json number = value != nullptr ? number_of(*value) : Json(); !number.is_null()) {
            options[name] = std::move(number);
        }
    }
    return options.empty() ? std::string() : options.dump();
}

} // namespace hearth::registry::gguf
