#include "cli/model_row.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::cli {

Json models_of(const Json& answer) {
    const auto models = answer.is_object() ? answer.find("models") : answer.end();
    if (models == answer.end() || !models->is_array()) {
        throw Error(ErrorCode::protocol, "the service's answer holds no list of models");
    }
    return *models;
}

bool print_for_scripts(const Arguments& arguments, const Json& models) {
    if (arguments.json) {
        print_json(Json{{"models", models}});
        return true;
    }
    if (arguments.quiet) {
        std::string names;
        for (const Json& model : models) {
            names += printable_line(name_of(model)) + "\n";
        }
        print(names);
        return true;
    }
    return false;
}

std::string name_of(const Json& model) {
    return get_string(model, "name").value_or(get_string(model, "model").value_or(""));
}

std::string short_id(const Json& model) {
    std::string digest = get_string(model, "digest").value_or("");
    constexpr std::string_view prefix = "sha256:";
    if (digest.starts_with(prefix)) {
        digest.erase(0, prefix.size());
    }
    return digest.substr(0, 12);
}

std::string size_of(const Json& model, bool for_people) {
    const auto bytes =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, get_integer(model, "size").value_or(0)));
    return for_people ? format_bytes(bytes) : std::to_string(bytes);
}

Seconds seconds_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

} // namespace hearth::cli
