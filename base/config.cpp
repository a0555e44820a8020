#include "base/config.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/paths.hpp"
#include "base/time.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

namespace hearth {
namespace {

/// One value of a file, and where it stands, for error texts.
class Setting {
  public:
    Setting(const toml::node& node, std::string name, std::string file)
        : node_(node), name_(std::move(name)), file_(std::move(file)) {}

    [[noreturn]] void refuse(const std::string& why) const {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{}:{}: {} {}", file_, node_.source().begin.line, name_, why));
    }
    std::string text() const {
        const auto value = node_.value_exact<std::string>();
        return value ? *value : (refuse("must be a text"), std::string());
    }
    bool boolean() const {
        const auto value = node_.value_exact<bool>();
        return value ? *value : (refuse("must be true or false"), false);
    }
    /// One text, or a list of them.
    std::vector<std::string> texts() const {
        const toml::array* list = node_.as_array();
        if (list == nullptr) {
            return {text()};
        }
        std::vector<std::string> values;
        for (const toml::node& element : *list) {
            values.push_back(Setting(element, name_, file_).text());
        }
        return values;
    }
    std::int64_t integer(std::int64_t smallest, std::int64_t largest) const {
        const auto value = node_.value_exact<std::int64_t>();
        if (!value || *value < smallest || *value > largest) {
            refuse(fmt::format("must be a whole number from {} to {}", smallest, largest));
        }
        return *value;
    }
    template <class Parser> auto parsed(Parser parser) const {
        const std::string value = text();
        try {
            return parser(value);
        } catch (Error& error) {
            error.add_context(fmt::format("{}:{}: {}", file_, node_.source().begin.line, name_));
            throw;
        }
    }

    std::uint64_t bytes() const {
        if (const auto number = node_.value_exact<std::int64_t>(); number && *number >= 0) {
            return static_cast<std::uint64_t>(*number);
        }
        return parsed(parse_bytes);
    }
    std::chrono::nanoseconds duration() const {
        if (const auto seconds = node_.value_exact<std::int64_t>()) {
            return std::chrono::seconds(integer(-1, 1'000'000'000));
        }
        return parsed([](const std::string& value) { return parse_go_duration(value); });
    }

  private:
    const toml::node& node_;
    std::string name_;
    std::string file_;
};

struct Key {
    std::string_view name;
    void (*apply)(Config& config, const Setting& setting);
};

constexpr std::array<Key, 17> keys{{
    {"memory.ram_limit", [](Config& c, const Setting& s) { c.ram_limit_bytes = s.bytes(); }},
    {"memory.margin", [](Config& c, const Setting& s) { c.margin_bytes = s.bytes(); }},
    {"memory.gpu_margin", [](Config& c, const Setting& s) { c.gpu_margin_bytes = s.bytes(); }},
    {"runtime.keep_alive", [](Config& c, const Setting& s) { c.keep_alive = s.duration(); }},
    {"runtime.parallel",
     [](Config& c, const Setting& s) { c.parallel = static_cast<int>(s.integer(1, 256)); }},
    {"runtime.context", [](Config& c, const Setting& s) { c.context_tokens = s.integer(0, 1 << 30); }},
    {"runtime.backend", [](Config& c, const Setting& s) { c.backend = s.text(); }},
    {"runtime.threads",
     [](Config& c, const Setting& s) { c.threads = static_cast<int>(s.integer(0, 4096)); }},
    {"registry.default", [](Config& c, const Setting& s) { c.default_registry = s.text(); }},
    {"server.listen", [](Config& c, const Setting& s) { c.server.listen = s.texts(); }},
    {"server.hosts", [](Config& c, const Setting& s) { c.server.hosts = s.texts(); }},
    {"server.origins", [](Config& c, const Setting& s) { c.server.origins = s.texts(); }},
    {"server.compat_no_token", [](Config& c, const Setting& s) { c.server.compat_no_token = s.boolean(); }},
    {"server.insecure_lan", [](Config& c, const Setting& s) { c.server.insecure_lan = s.boolean(); }},
    {"server.tls_cert", [](Config& c, const Setting& s) { c.server.tls_cert = s.text(); }},
    {"server.tls_key", [](Config& c, const Setting& s) { c.server.tls_key = s.text(); }},
    {"server.connections_per_address",
     [](Config& c, const Setting& s) {
         c.server.connections_per_address = static_cast<int>(s.integer(1, 256));
     }},
}};

void apply(Config& config, const Setting& setting, std::string_view name) {
    for (const Key& key : keys) {
        if (key.name == name) {
            key.apply(config, setting);
            return;
        }
    }
    std::array<std::string_view, keys.size()> names;
    std::transform(keys.begin(), keys.end(), names.begin(), [](const Key& key) { return key.name; });
    const auto nearest = nearest_name(name, names);
    setting.refuse(nearest ? fmt::format("is not a setting; did you mean {}?", *nearest)
                           : "is not a setting");
}

bool is_section(std::string_view name) {
    const std::string prefix = std::string(name) + ".";
    return std::any_of(keys.begin(), keys.end(),
                       [&](const Key& key) { return key.name.starts_with(prefix); });
}

void apply_table(Config& config, const toml::table& table, const std::string& prefix,
                 const std::string& file) {
    for (const auto& [key, node] : table) {
        const std::string name = prefix + std::string(key.str());
        if (const toml::table* inner = node.as_table();
            inner != nullptr && (is_section(name) || !inner->empty())) {
            apply_table(config, *inner, name + ".", file);
        } else {
            apply(config, Setting(node, name, file), name);
        }
    }
}

struct ModelKey {
    std::string_view name;
    void (*apply)(ModelConfig& config, const Setting& setting);
};

constexpr std::array<ModelKey, 1> model_keys{{
    {"keep_alive", [](ModelConfig& c, const Setting& s) { c.keep_alive = s.duration(); }},
}};

/// One table of `models`, whose name is a model's and may hold any character.
void apply_model(ModelConfig& config, const toml::node& node, const std::string& name,
                 const std::string& file) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        Setting(node, name, file).refuse("is not a setting; a model has a table: [models.\"NAME\"]");
    }
    for (const auto& [key, value] : *table) {
        const Setting setting(value, name + "." + std::string(key.str()), file);
        const auto known = std::ranges::find(model_keys, key.str(), &ModelKey::name);
        if (known == model_keys.end()) {
            setting.refuse("is not a setting of a model; there is keep_alive");
        }
        known->apply(config, setting);
    }
}

void apply_models(Config& config, const toml::table& models, const std::string& file) {
    for (const auto& [key, node] : models) {
        const std::string model(key.str());
        apply_model(config.models[model], node, fmt::format("models.\"{}\"", model), file);
    }
}

void apply_settings(Config& config, toml::table settings, const std::string& file) {
    if (const toml::table* models = settings["models"].as_table()) {
        apply_models(config, *models, file);
        settings.erase("models");
    }
    apply_table(config, settings, "", file);
}

void apply_file(Config& config, const std::string& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        return;
    }
    try {
        apply_settings(config, toml::parse_file(file), file);
    } catch (const toml::parse_error& error) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()));
    }
}

void apply_environment(Config& config) {
    const char* limit = std::getenv("HEARTH_RAM_LIMIT");
    if (limit == nullptr || *limit == '\0') {
        return;
    }
    try {
        config.ram_limit_bytes = parse_bytes(limit);
    } catch (Error& error) {
        error.add_context("HEARTH_RAM_LIMIT");
        throw;
    }
}

} // namespace

Config Config::load() {
    Config config;
    for (const std::filesystem::path& file : paths::config_files()) {
        apply_file(config, file.string());
    }
    apply_environment(config);
    return config;
}

} // namespace hearth
