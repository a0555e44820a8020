#include "registry/gguf/sampling.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
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

struct Row {
    const char* key;
    const char* option;
    bool whole;
    double least;
    double most;
};

/// Within what the options of a request may be (daemon/handlers/options.cpp).
constexpr double most_tokens = 1e7;
constexpr std::array rows{Row{"general.sampling.temp", "temperature", false, 0, 100},
                          Row{"general.sampling.top_k", "top_k", true, -1, most_tokens},
                          Row{"general.sampling.top_p", "top_p", false, 0, 1},
                          Row{"general.sampling.min_p", "min_p", false, 0, 1},
                          Row{"general.sampling.penalty_last_n", "repeat_last_n", true, -1, most_tokens},
                          Row{"general.sampling.penalty_repeat", "repeat_penalty", false, 0, 100}};

bool is_possible(const Row& row, const Json& number) {
    if (number.is_null()) {
        return false;
    }
    const auto value = number.get<double>();
    return value >= row.least && value <= row.most && (!row.whole || value == std::trunc(value));
}

} // namespace

std::string recommended_options(const Header& header) {
    Json options = Json::object();
    for (const Row& row : rows) {
        const Value* value = header.find(row.key);
        Json number = value != nullptr ? number_of(*value) : Json();
        if (is_possible(row, number)) {
            options[row.option] = std::move(number);
        }
    }
    return options.empty() ? std::string() : options.dump();
}

} // namespace hearth::registry::gguf
