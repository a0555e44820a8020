#include "cli/chat/settings.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "cli/arguments.hpp"
#include "cli/chat/slash_table.hpp"
#include "cli/chat_request.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace hearth::cli {
namespace {

constexpr std::array<std::string_view, 19> parameters{
    "temperature", "top_k",   "top_p",      "min_p",          "typical_p",         "seed",
    "num_predict", "num_ctx", "stop",       "repeat_penalty", "repeat_last_n",     "presence_penalty",
    "num_keep",    "num_gpu", "num_thread", "num_batch",      "frequency_penalty", "num_parallel",
    "kv_type"};
constexpr std::array<std::string_view, 2> texts{"stop", "kv_type"}; // the others are numbers

[[noreturn]] void throw_usage(const std::string& what, std::string_view setting) {
    const auto row = std::ranges::find(setting_table(), setting, &SettingRow::name);
    throw Error(ErrorCode::usage, what, fmt::format("/set {} {}", row->name, row->takes));
}

bool on_or_off(std::string_view setting, const std::string& value) {
    if (value != "on" && value != "off") {
        throw_usage(fmt::format("{} is on or off", setting), setting);
    }
    return value == "on";
}

std::string set_system(RunOptions& options, const std::string& text) {
    options.system = text;
    return text.empty() ? "instructions are the model's own" : "instructions are set";
}

/// A name that nobody knows may be one of a backend; one that is nearly right is a mistake.
void check_parameter(const std::string& name) {
    if (std::ranges::find(parameters, name) != parameters.end()) {
        return;
    }
    if (const auto nearest = nearest_name(name, parameters)) {
        throw Error(ErrorCode::usage, name + " is not a parameter",
                    fmt::format("did you mean: /set parameter {}", *nearest));
    }
}

std::string set_parameter(RunOptions& options, const std::string& argument) {
    const auto [name, value] = split_word(argument);
    if (name.empty()) {
        throw_usage("which parameter?", "parameter");
    }
    check_parameter(name);
    if (value.empty()) {
        options.parameters.erase(name);
        return name + " is the model's own";
    }
    const bool is_text = std::ranges::find(texts, name) != texts.end();
    const Json parsed = Json::parse(value, nullptr, false);
    const bool known = std::ranges::find(parameters, name) != parameters.end();
    if (known && !is_text && !parsed.is_number()) {
        throw Error(ErrorCode::usage, fmt::format("{} takes a number, not \"{}\"", name, value));
    }
    const bool as_given = parsed.is_discarded() || (is_text && !parsed.is_array() && !parsed.is_string());
    options.parameters[name] = to_text(as_given ? Json(value) : parsed);
    return fmt::format("{} is {}", name, options.parameters[name]);
}

std::string set_format(RunOptions& options, const std::string& value) {
    if (value.empty()) {
        throw_usage("which format?", "format");
    }
    const std::string wanted = value == "off" ? "" : value;
    options.format_json = format_json(wanted);
    options.format = wanted;
    return wanted.empty() ? "answers are free text" : "answers have the format " + wanted;
}

std::string set_think(RunOptions& options, const std::string& value) {
    constexpr std::array<std::string_view, 6> levels{"on", "off", "low", "medium", "high", "max"};
    if (std::ranges::find(levels, value) == levels.end()) {
        throw_usage("think is on, off, low, medium, high or max", "think");
    }
    options.think = value;
    return "think is " + value;
}

std::string set_keep_alive(RunOptions& options, const std::string& value) {
    if (value.empty()) {
        throw_usage("how long?", "keep-alive");
    }
    options.keep_alive = value;
    return "keep-alive is " + value + " from the next answer on";
}

std::string set_verbose(RunOptions& options, const std::string& value) {
    options.verbose = on_or_off("verbose", value);
    return "verbose is " + value;
}

std::string set_history(RunOptions& options, const std::string& value) {
    options.keep_history = on_or_off("history", value);
    return options.keep_history ? "what you type is kept for the next time" : "what you type is not kept";
}

struct Setter {
    std::string_view name;
    std::string (*set)(RunOptions& options, const std::string& value);
};
constexpr std::array<Setter, 7> setters{{{"system", set_system},
                                         {"parameter", set_parameter},
                                         {"format", set_format},
                                         {"think", set_think},
                                         {"keep-alive", set_keep_alive},
                                         {"verbose", set_verbose},
                                         {"history", set_history}}};

/// Ollama's words for the same.
struct Alias {
    std::string_view typed;
    std::string_view meant;
};
constexpr std::array<Alias, 7> aliases{{{"think", "think on"},
                                        {"nothink", "think off"},
                                        {"noformat", "format off"},
                                        {"verbose", "verbose on"},
                                        {"quiet", "verbose off"},
                                        {"history", "history on"},
                                        {"nohistory", "history off"}}};

[[noreturn]] void throw_unknown(const std::string& name) {
    std::vector<std::string_view> names;
    std::ranges::transform(setters, std::back_inserter(names), &Setter::name);
    std::string hint = "/set lists them";
    if (const auto setting = nearest_name(name, names)) {
        hint = fmt::format("did you mean: /set {}", *setting);
    } else if (const auto parameter = nearest_name(name, parameters)) {
        hint = fmt::format("did you mean: /set parameter {}", *parameter);
    }
    throw Error(ErrorCode::usage, "there is no setting " + name, hint);
}

std::string value_text(const RunOptions& options, std::string_view name) {
    if (name == "system") {
        return options.system;
    }
    if (name == "parameter") {
        return to_text(chat_request(options, Json::array()).value("options", Json::object()));
    }
    if (name == "format") {
        return options.format.empty() ? "off" : options.format;
    }
    if (name == "think") {
        return options.think;
    }
    if (name == "keep-alive") {
        return options.keep_alive;
    }
    return (name == "verbose" ? options.verbose : options.keep_history) ? "on" : "off";
}

} // namespace

std::span<const std::string_view> parameter_names() noexcept {
    return parameters;
}

void gather_parameters(RunOptions& options) {
    const Json given = chat_request(options, Json::array()).value("options", Json::object());
    for (const auto& [name, value] : given.items()) {
        options.parameters[name] = to_text(value);
    }
    options.memory = {};
    options.temperature.reset();
    options.seed.reset();
    options.max_tokens.reset();
}

std::string apply_setting(RunOptions& options, std::string_view what) {
    const auto alias = std::ranges::find(aliases, what, &Alias::typed);
    const auto [name, value] = split_word(alias == aliases.end() ? what : alias->meant);
    const auto setter = std::ranges::find(setters, name, &Setter::name);
    if (setter == setters.end()) {
        throw_unknown(name);
    }
    return setter->set(options, value);
}

std::string settings_text(const RunOptions& options) {
    std::string text;
    for (const SettingRow& row : setting_table()) {
        const std::string value = value_text(options, row.name);
        text += fmt::format("  {:<11} {:<15} {}\n", row.name, row.takes, row.summary);
        text += value.empty() || value == "{}" ? "" : fmt::format("  {:<11} now: {}\n", "", value);
    }
    return text;
}

} // namespace hearth::cli
