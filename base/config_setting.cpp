#include "base/config_setting.hpp"

#include "base/error.hpp"
#include "base/time.hpp"

#include <fmt/format.h>

#include <array>

namespace hearth {
namespace {

std::string show_texts(const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts) {
        list += (list.empty() ? "" : ", ") + show_text(text);
    }
    return texts.empty() ? "" : "[" + list + "]";
}

std::string show_or_nothing(const std::string& text) {
    return text.empty() ? "" : show_text(text);
}

std::string show_bytes(const std::optional<std::uint64_t>& bytes) {
    return bytes ? std::to_string(*bytes) : "";
}

std::string show_flag(bool flag) {
    return flag ? "true" : "false";
}

using C = Config;
using S = Setting;

constexpr std::array<ConfigKey, 19> all_keys{{
    {"memory.ram_limit", [](C& c, const S& s) { c.ram_limit_bytes = s.bytes(); },
     [](const C& c) { return show_bytes(c.ram_limit_bytes); }},
    {"memory.margin", [](C& c, const S& s) { c.margin_bytes = s.bytes(); },
     [](const C& c) { return show_bytes(c.margin_bytes); }},
    {"memory.gpu_margin", [](C& c, const S& s) { c.gpu_margin_bytes = s.bytes(); },
     [](const C& c) { return show_bytes(c.gpu_margin_bytes); }},
    {"runtime.keep_alive", [](C& c, const S& s) { c.keep_alive = s.duration(); },
     [](const C& c) { return show_duration(c.keep_alive); }},
    {"runtime.parallel", [](C& c, const S& s) { c.parallel = static_cast<int>(s.integer(1, 256)); },
     [](const C& c) { return std::to_string(c.parallel); }},
    {"runtime.context", [](C& c, const S& s) { c.context_tokens = s.integer(0, 1 << 30); },
     [](const C& c) { return std::to_string(c.context_tokens); }},
    {"runtime.backend", [](C& c, const S& s) { c.backend = s.text(); },
     [](const C& c) { return show_or_nothing(c.backend); }},
    {"runtime.threads", [](C& c, const S& s) { c.threads = static_cast<int>(s.integer(0, 4096)); },
     [](const C& c) { return std::to_string(c.threads); }},
    {"registry.default", [](C& c, const S& s) { c.default_registry = s.text(); },
     [](const C& c) { return show_text(c.default_registry); }, false},
    {"compat.ollama", [](C& c, const S& s) { c.compat_ollama = s.boolean(); },
     [](const C& c) { return show_flag(c.compat_ollama); }},
    {"server.listen", [](C& c, const S& s) { c.server.listen = s.texts(); },
     [](const C& c) { return show_texts(c.server.listen); }, false},
    {"server.hosts", [](C& c, const S& s) { c.server.hosts = s.texts(); },
     [](const C& c) { return show_texts(c.server.hosts); }, false},
    {"server.origins", [](C& c, const S& s) { c.server.origins = s.texts(); },
     [](const C& c) { return show_texts(c.server.origins); }, false},
    {"server.compat_no_token", [](C& c, const S& s) { c.server.compat_no_token = s.boolean(); },
     [](const C& c) { return show_flag(c.server.compat_no_token); }, false},
    {"server.insecure_lan", [](C& c, const S& s) { c.server.insecure_lan = s.boolean(); },
     [](const C& c) { return show_flag(c.server.insecure_lan); }, false},
    {"server.tls_cert", [](C& c, const S& s) { c.server.tls_cert = s.text(); },
     [](const C& c) { return show_or_nothing(c.server.tls_cert); }, false},
    {"server.tls_key", [](C& c, const S& s) { c.server.tls_key = s.text(); },
     [](const C& c) { return show_or_nothing(c.server.tls_key); }, false},
    {"server.connections_per_address",
     [](C& c, const S& s) { c.server.connections_per_address = static_cast<int>(s.integer(1, 256)); },
     [](const C& c) { return std::to_string(c.server.connections_per_address); }, false},
    {"server.leave_after", [](C& c, const S& s) { c.server.leave_after = s.duration(); },
     [](const C& c) { return show_duration(c.server.leave_after); }, false},
}};

using O = ConfigOverrides;

constexpr std::array<OverrideKey, 3> all_override_keys{{
    {"keep_alive", [](O& o, const S& s) { o.keep_alive = s.duration(); },
     [](const O& o) { return o.keep_alive ? show_duration(*o.keep_alive) : ""; }},
    {"context", [](O& o, const S& s) { o.context_tokens = s.integer(1, 1 << 30); },
     [](const O& o) { return o.context_tokens ? std::to_string(*o.context_tokens) : ""; }},
    {"parallel", [](O& o, const S& s) { o.parallel = static_cast<int>(s.integer(1, 256)); },
     [](const O& o) { return o.parallel ? std::to_string(*o.parallel) : ""; }},
}};

} // namespace

std::span<const ConfigKey> config_keys() noexcept {
    return all_keys;
}

std::span<const OverrideKey> override_keys() noexcept {
    return all_override_keys;
}

std::string show_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

std::string show_duration(std::chrono::nanoseconds duration) {
    using namespace std::chrono;
    if (duration < nanoseconds::zero()) {
        return "-1";
    }
    const auto whole = duration_cast<seconds>(duration);
    if (whole != duration) {
        return fmt::format("\"{}ms\"", duration_cast<milliseconds>(duration).count());
    }
    const auto h = duration_cast<hours>(whole);
    const auto m = duration_cast<minutes>(whole - h);
    const auto s = whole - h - m;
    std::string text;
    text += h.count() > 0 ? fmt::format("{}h", h.count()) : "";
    text += m.count() > 0 ? fmt::format("{}m", m.count()) : "";
    text += s.count() > 0 || text.empty() ? fmt::format("{}s", s.count()) : "";
    return "\"" + text + "\"";
}

std::string Setting::place() const {
    const auto line = file_.empty() ? 0 : node_.source().begin.line;
    return line > 0 ? fmt::format("{}:{}", file_, line) : file_;
}

std::string Setting::title() const {
    return file_.empty() ? name_ : place() + ": " + name_;
}

void Setting::refuse(const std::string& why) const {
    throw Error(ErrorCode::invalid_argument, title() + " " + why);
}

template <class Parser> auto Setting::parsed(Parser parser) const {
    const std::string value = text();
    try {
        return parser(value);
    } catch (Error& error) {
        error.add_context(title());
        throw;
    }
}

std::string Setting::text() const {
    const auto value = node_.value_exact<std::string>();
    return value ? *value : (refuse("must be a text"), std::string());
}

bool Setting::boolean() const {
    const auto value = node_.value_exact<bool>();
    return value ? *value : (refuse("must be true or false"), false);
}

std::vector<std::string> Setting::texts() const {
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

std::int64_t Setting::integer(std::int64_t smallest, std::int64_t largest) const {
    const auto value = node_.value_exact<std::int64_t>();
    if (!value || *value < smallest || *value > largest) {
        refuse(fmt::format("must be a whole number from {} to {}", smallest, largest));
    }
    return *value;
}

std::uint64_t Setting::bytes() const {
    if (const auto number = node_.value_exact<std::int64_t>(); number && *number >= 0) {
        return static_cast<std::uint64_t>(*number);
    }
    return parsed(parse_bytes);
}

std::chrono::nanoseconds Setting::duration() const {
    if (node_.value_exact<std::int64_t>()) {
        return std::chrono::seconds(integer(-1, 1'000'000'000));
    }
    return parsed([](const std::string& value) { return parse_go_duration(value); });
}

} // namespace hearth
