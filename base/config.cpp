#include "base/config.hpp"

#include "base/config_setting.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/paths.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

namespace hearth {
namespace {

/// A configuration while its layers are laid on each other.
class Merge {
  public:
    Merge() {
        for (const ConfigKey& key : config_keys()) {
            rows_.push_back(
                {std::string(key.name), {{ConfigLayer::built_in, "", key.show(config_)}}, key.live});
        }
    }

    const Config& config() const noexcept { return config_; }
    LoadedConfig take() && { return {std::move(config_), std::move(rows_)}; }

    /// @throws Error invalid_argument
    void add_file(ConfigLayer layer, const toml::table& settings, const std::string& file) {
        layer_ = layer;
        file_ = file;
        for (const auto& [key, node] : settings) {
            if (key.str() == "models" && node.is_table()) {
                add_overrides(config_.models, "models", *node.as_table());
            } else if (key.str() == "apps" && node.is_table()) {
                add_overrides(config_.apps, "apps", *node.as_table());
            } else {
                add_node(node, std::string(key.str()));
            }
        }
    }

    /// @param variable  where the value comes from
    void add_value(ConfigLayer layer, const std::string& key, const toml::node& value,
                   const std::string& variable) {
        layer_ = layer;
        file_ = variable;
        add(Setting(value, key, variable));
    }

  private:
    void add_node(const toml::node& node, const std::string& name) {
        const toml::table* inner = node.as_table();
        if (inner == nullptr || (!is_section(name) && inner->empty())) {
            add(Setting(node, name, file_));
            return;
        }
        for (const auto& [key, value] : *inner) {
            add_node(value, name + "." + std::string(key.str()));
        }
    }

    static bool is_section(std::string_view name) {
        const std::string prefix = std::string(name) + ".";
        return std::ranges::any_of(config_keys(),
                                   [&](const ConfigKey& key) { return key.name.starts_with(prefix); });
    }

    void add(const Setting& setting) {
        const auto known = std::ranges::find(config_keys(), setting.name(), &ConfigKey::name);
        if (known == config_keys().end()) {
            refuse_unknown(setting);
        }
        known->apply(config_, setting);
        note(setting, known->show(config_), known->live);
    }

    [[noreturn]] static void refuse_unknown(const Setting& setting) {
        std::vector<std::string_view> names;
        std::ranges::transform(config_keys(), std::back_inserter(names), &ConfigKey::name);
        const auto nearest = nearest_name(setting.name(), names);
        setting.refuse(nearest ? fmt::format("is not a setting; did you mean {}?", *nearest)
                               : "is not a setting");
    }

    /// @param kind  "models" or "apps": tables whose names may hold any character
    void add_overrides(std::map<std::string, ConfigOverrides>& into, const std::string& kind,
                       const toml::table& all) {
        const std::string one = kind == "models" ? "a model" : "an app";
        for (const auto& [key, node] : all) {
            const std::string name = fmt::format("{}.\"{}\"", kind, key.str());
            const toml::table* table = node.as_table();
            if (table == nullptr) {
                Setting(node, name, file_)
                    .refuse(fmt::format("is not a setting; {} has a table: [{}.\"NAME\"]", one, kind));
            }
            ConfigOverrides& overrides = into[std::string(key.str())];
            for (const auto& [inner, value] : *table) {
                add_override(overrides, Setting(value, name + "." + std::string(inner.str()), file_),
                             inner.str(), one);
            }
        }
    }

    void add_override(ConfigOverrides& overrides, const Setting& setting, std::string_view key,
                      const std::string& one) {
        const auto known = std::ranges::find(override_keys(), key, &OverrideKey::name);
        if (known == override_keys().end()) {
            std::vector<std::string_view> names;
            std::ranges::transform(override_keys(), std::back_inserter(names), &OverrideKey::name);
            setting.refuse(fmt::format("is not a setting of {}; there is {}", one, fmt::join(names, ", ")));
        }
        known->apply(overrides, setting);
        note(setting, known->show(overrides), true);
    }

    void note(const Setting& setting, std::string value, bool live) {
        auto row = std::ranges::find(rows_, setting.name(), &ConfigRow::name);
        if (row == rows_.end()) {
            rows_.push_back({setting.name(), {}, live});
            row = rows_.end() - 1;
        }
        row->words.push_back({layer_, setting.place(), std::move(value)});
    }

    Config config_;
    std::vector<ConfigRow> rows_;
    ConfigLayer layer_ = ConfigLayer::built_in;
    std::string file_;
};

/// A file's settings; empty when there is no file. @throws Error invalid_argument, with the line
toml::table read_settings(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        return {};
    }
    try {
        return toml::parse_file(file.string());
    } catch (const toml::parse_error& error) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{}:{}: {}", file.string(), error.source().begin.line, error.description()));
    }
}

std::string variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody changes the environment
    return value != nullptr ? value : "";
}

/// OLLAMA_HOST as Ollama reads it: "0.0.0.0", ":8080", "http://localhost:11434" → an address and a port.
std::string ollama_address(std::string text) {
    if (const auto mark = text.find("://"); mark != std::string::npos) {
        text = text.substr(mark + 3);
    }
    text = text.substr(0, text.find('/'));
    const auto bracket = text.find(']');
    const auto colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
    std::string host = text.substr(0, colon);
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (host.empty() || host == "localhost") {
        host = "127.0.0.1";
    }
    return host + ":" + (port.empty() ? "11434" : port);
}

struct OllamaVariable {
    const char* name;
    const char* key;
    void (*add)(Merge& merge, const OllamaVariable& self, const std::string& text);
};

void add_text(Merge& merge, const OllamaVariable& self, const std::string& text) {
    merge.add_value(ConfigLayer::ollama, self.key, toml::value<std::string>(text), self.name);
}

/// A number where it is one: seconds, bytes, tokens.
void add_number_or_text(Merge& merge, const OllamaVariable& self, const std::string& text) {
    char* end = nullptr;
    const long long number = std::strtoll(text.c_str(), &end, 10);
    if (end == text.c_str() || *end != '\0') {
        add_text(merge, self, text);
    } else {
        merge.add_value(ConfigLayer::ollama, self.key, toml::value<std::int64_t>(number < 0 ? -1 : number),
                        self.name);
    }
}

void add_host(Merge& merge, const OllamaVariable& self, const std::string& text) {
    add_text(merge, self, ollama_address(text));
}

void add_list(Merge& merge, const OllamaVariable& self, const std::string& text) {
    toml::array list;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        if (end > begin) {
            list.push_back(text.substr(begin, end - begin));
        }
        begin = end + 1;
    }
    merge.add_value(ConfigLayer::ollama, self.key, list, self.name);
}

/// Those that have a meaning here.
constexpr std::array<OllamaVariable, 6> ollama_variables{{
    {"OLLAMA_HOST", "server.listen", add_host},
    {"OLLAMA_ORIGINS", "server.origins", add_list},
    {"OLLAMA_KEEP_ALIVE", "runtime.keep_alive", add_number_or_text},
    {"OLLAMA_NUM_PARALLEL", "runtime.parallel", add_number_or_text},
    {"OLLAMA_CONTEXT_LENGTH", "runtime.context", add_number_or_text},
    {"OLLAMA_GPU_OVERHEAD", "memory.gpu_margin", add_number_or_text},
}};

void add_ollama(Merge& merge) {
    for (const OllamaVariable& row : ollama_variables) {
        if (const std::string text = variable(row.name); !text.empty()) {
            row.add(merge, row, text);
        }
    }
}

void add_environment(Merge& merge) {
    constexpr const char* limit = "HEARTH_RAM_LIMIT";
    if (const std::string text = variable(limit); !text.empty()) {
        merge.add_value(ConfigLayer::environment, "memory.ram_limit", toml::value<std::string>(text), limit);
    }
}

/// Whether a file switches OLLAMA_* on; the last one that says it counts.
bool wants_ollama(const std::vector<toml::table>& files) {
    bool wanted = false;
    for (const toml::table& settings : files) {
        wanted = settings["compat"]["ollama"].value<bool>().value_or(wanted);
    }
    return wanted;
}

} // namespace

std::string_view layer_name(ConfigLayer layer) noexcept {
    switch (layer) {
    case ConfigLayer::built_in:
        return "built-in";
    case ConfigLayer::ollama:
        return "OLLAMA_*";
    case ConfigLayer::system:
        return "system";
    case ConfigLayer::user:
        return "user";
    case ConfigLayer::environment:
        return "environment";
    }
    return "built-in";
}

LoadedConfig Config::load_with_words() {
    const std::vector<std::filesystem::path> files = paths::config_files();
    std::vector<toml::table> settings;
    std::ranges::transform(files, std::back_inserter(settings), read_settings);
    Merge merge;
    if (wants_ollama(settings)) {
        add_ollama(merge);
    }
    for (std::size_t index = 0; index < files.size(); ++index) {
        const ConfigLayer layer = index == 0 ? ConfigLayer::system : ConfigLayer::user;
        merge.add_file(layer, settings[index], files[index].string());
    }
    add_environment(merge);
    return std::move(merge).take();
}

Config Config::load() {
    return load_with_words().config;
}

} // namespace hearth
