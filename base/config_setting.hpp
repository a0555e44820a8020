#pragma once

#include "base/config.hpp"

#include <toml++/toml.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// One value on its way from a layer into Config, and the table of all keys. Internal to the room.
namespace hearth {

/// A value, its key, and where it stands, for error texts.
class Setting {
  public:
    /// @param node  outlives this
    /// @param file  a path, the name of an environment variable, or empty: the command line
    Setting(const toml::node& node, std::string name, std::string file)
        : node_(node), name_(std::move(name)), file_(std::move(file)) {}

    const std::string& name() const noexcept { return name_; }
    /// "/etc/hearth/config.toml:3", "OLLAMA_KEEP_ALIVE".
    std::string place() const;
    /// @throws Error invalid_argument, with the place
    [[noreturn]] void refuse(const std::string& why) const;

    // What the value is. @throws Error invalid_argument when it is something else
    std::string text() const;
    bool boolean() const;
    std::vector<std::string> texts() const; ///< one text, or a list of them
    std::int64_t integer(std::int64_t smallest, std::int64_t largest) const;
    std::uint64_t bytes() const;
    std::chrono::nanoseconds duration() const;

  private:
    std::string title() const; ///< place and name
    template <class Parser> auto parsed(Parser parser) const;

    const toml::node& node_;
    std::string name_;
    std::string file_;
};

struct ConfigKey {
    std::string_view name;
    void (*apply)(Config& config, const Setting& setting);
    std::string (*show)(const Config& config); ///< as TOML; empty: nothing is set
    bool live = true;                          ///< counts at once when it changes; else after a restart
};
std::span<const ConfigKey> config_keys() noexcept;

/// What may be set for one model or one app.
struct OverrideKey {
    std::string_view name;
    void (*apply)(ConfigOverrides& config, const Setting& setting);
    std::string (*show)(const ConfigOverrides& config);
};
std::span<const OverrideKey> override_keys() noexcept;

/// "5m", "1h30m", and -1 for ever, as TOML.
std::string show_duration(std::chrono::nanoseconds duration);
/// A basic string of TOML, quoted.
std::string show_text(std::string_view text);

} // namespace hearth
