// set_in_config and unset_in_config: changes one place of a file that belongs to a person, and leaves every other byte.
#include "base/config_setting.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace hearth {
namespace {

/// "models.\"a.b:c\".keep_alive" → {models, a.b:c, keep_alive}. @throws Error invalid_argument
std::vector<std::string> split_key(const std::string& key) {
    std::vector<std::string> parts(1);
    bool quoted = false;
    for (const char c : key) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == '.' && !quoted) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    if (quoted || std::ranges::any_of(parts, &std::string::empty)) {
        throw Error(ErrorCode::invalid_argument, "\"" + key + "\" is no name of a setting",
                    "write it as models.\"NAME\".keep_alive");
    }
    return parts;
}

bool is_override(const std::vector<std::string>& parts) {
    return parts.size() == 3 && (parts[0] == "models" || parts[0] == "apps");
}

/// What checks and applies a value for this key. @throws Error invalid_argument: there is no such key
void apply_value(const std::vector<std::string>& parts, const std::string& key, const toml::node& value) {
    Config scratch;
    ConfigOverrides overrides;
    const Setting setting(value, key, "");
    if (is_override(parts)) {
        const auto known = std::ranges::find(override_keys(), parts[2], &OverrideKey::name);
        if (known != override_keys().end()) {
            known->apply(overrides, setting);
            return;
        }
    }
    const auto known = std::ranges::find(config_keys(), key, &ConfigKey::name);
    if (known != config_keys().end()) {
        known->apply(scratch, setting);
        return;
    }
    std::vector<std::string_view> names;
    std::ranges::transform(config_keys(), std::back_inserter(names), &ConfigKey::name);
    const auto nearest = nearest_name(key, names);
    throw Error(ErrorCode::invalid_argument, key + " is not a setting",
                nearest ? fmt::format("did you mean {}?", *nearest) : "hearth config get lists the settings");
}

toml::table parse(const std::string& text) {
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("line {}: {}", error.source().begin.line, error.description()));
    }
}

/// The value as TOML, when it is that, and one that the key takes.
std::optional<std::string> as_toml(const std::vector<std::string>& parts, const std::string& key,
                                   const std::string& value, std::optional<Error>& why) {
    try {
        const toml::table table = toml::parse("value = " + value);
        if (table.size() == 1) {
            apply_value(parts, key, *table.get("value"));
            return value;
        }
    } catch (const toml::parse_error&) {
        return std::nullopt;
    } catch (const Error& error) {
        why = error;
    }
    return std::nullopt;
}

/// @throws Error invalid_argument
std::string checked_value(const std::vector<std::string>& parts, const std::string& key,
                          const std::string& value) {
    std::optional<Error> plain;
    if (auto text = as_toml(parts, key, value, plain)) {
        return *text;
    }
    std::optional<Error> quoted;
    if (auto text = as_toml(parts, key, show_text(value), quoted)) {
        return *text;
    }
    throw Error(plain ? *plain : *quoted);
}

/// Offset of a place that toml++ counts in lines and code points, both from 1.
std::size_t offset_of(const std::string& text, toml::source_position place) {
    std::size_t offset = 0;
    for (toml::source_index line = 1; line < place.line; ++line) {
        offset = std::min(text.find('\n', offset), text.size() - 1) + 1;
    }
    for (toml::source_index column = 1; column < place.column && offset < text.size(); ++column) {
        ++offset;
        while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xc0u) == 0x80u) {
            ++offset;
        }
    }
    return offset;
}

const toml::node* find_node(const toml::table& table, const std::vector<std::string>& parts,
                            std::size_t depth) {
    const toml::node* node = &table;
    for (std::size_t index = 0; index < depth && node != nullptr; ++index) {
        node = node->is_table() ? node->as_table()->get(parts[index]) : nullptr;
    }
    return node;
}

std::string quoted_part(const std::string& part) {
    const bool bare = std::ranges::all_of(part, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
    return bare ? part : show_text(part);
}

std::string section_of(const std::vector<std::string>& parts) {
    std::string section;
    for (std::size_t index = 0; index + 1 < parts.size(); ++index) {
        section += (section.empty() ? "" : ".") + quoted_part(parts[index]);
    }
    return section;
}

/// Where the next line begins.
std::size_t line_end(const std::string& text, std::size_t offset) {
    return std::min(text.find('\n', offset), text.size() - 1) + 1;
}

std::string with_new_key(std::string text, const toml::table& table, const std::vector<std::string>& parts,
                         const std::string& value) {
    const std::string line = fmt::format("{} = {}\n", parts.back(), value);
    if (!text.empty() && text.back() != '\n') {
        text += '\n';
    }
    const toml::node* section = find_node(table, parts, parts.size() - 1);
    const std::string header = "[" + section_of(parts) + "]";
    if (section != nullptr) {
        const std::size_t begin = offset_of(text, section->source().begin);
        if (text.compare(begin, header.size(), header) == 0) {
            return text.insert(line_end(text, begin), line);
        }
    }
    // A dotted key must stand before the first table; a table of its own may stand at the end, unless the section
    // was already made by dotted keys or an inline table.
    if (section != nullptr) {
        return fmt::format("{}.{}", section_of(parts), line) + text;
    }
    return text + (text.empty() ? "" : "\n") + header + "\n" + line;
}

} // namespace

std::string set_in_config(const std::string& text, const std::string& key, const std::string& value) {
    const std::vector<std::string> parts = split_key(key);
    const std::string written = checked_value(parts, key, value);
    const toml::table table = parse(text);
    const toml::node* node = find_node(table, parts, parts.size());
    std::string changed = text;
    if (node != nullptr) {
        const std::size_t begin = offset_of(text, node->source().begin);
        changed.replace(begin, offset_of(text, node->source().end) - begin, written);
    } else {
        changed = with_new_key(text, table, parts, written);
    }
    try {
        const toml::table after = toml::parse(changed);
        const toml::node* now = find_node(after, parts, parts.size());
        const toml::table wanted = toml::parse("value = " + written);
        if (now != nullptr && after.get(parts[0]) != nullptr && now->type() == wanted.get("value")->type()) {
            return changed;
        }
    } catch (const toml::parse_error&) { // said below
    }
    throw Error(ErrorCode::unsupported, key + " stands in the file in a form that is not changed from here",
                "write it yourself: " + key + " = " + written);
}

std::string unset_in_config(const std::string& text, const std::string& key) {
    const std::vector<std::string> parts = split_key(key);
    const toml::table table = parse(text);
    const toml::node* node = find_node(table, parts, parts.size());
    if (node == nullptr) {
        return text;
    }
    const std::size_t value = offset_of(text, node->source().begin);
    const std::size_t begin = value == 0 ? 0 : text.rfind('\n', value - 1) + 1; // npos + 1 is 0
    std::string changed = text;
    changed.erase(begin, line_end(text, offset_of(text, node->source().end)) - begin);
    try {
        toml::table after = toml::parse(changed);
        if (find_node(after, parts, parts.size()) == nullptr) {
            return changed;
        }
    } catch (const toml::parse_error&) { // said below
    }
    throw Error(ErrorCode::unsupported, key + " stands in the file in a form that is not changed from here",
                "remove it yourself");
}

} // namespace hearth
