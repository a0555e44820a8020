#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

/// The TCP door for apps; without `listen` there is none.
struct ServerConfig {
    std::vector<std::string> listen; ///< server.listen: "127.0.0.1:11434", one or a list
    std::vector<std::string>
        hosts; ///< server.hosts: names that a Host header may have beside localhost and our addresses
    std::vector<std::string> origins; ///< server.origins: web pages that may ask, "https://app.example"
    bool compat_no_token = false;     ///< server.compat_no_token: inference and listing without a token
    bool insecure_lan = false;        ///< server.insecure_lan: plain text beyond this machine
    std::string tls_cert;             ///< server.tls_cert: PEM file of our certificate and its chain
    std::string tls_key;              ///< server.tls_key: PEM file of its key; both or none
    int connections_per_address = 64; ///< server.connections_per_address
    /// server.leave_after: a service that `hearth` started ends when it was idle for so long.
    std::chrono::nanoseconds leave_after = std::chrono::minutes(30);
};

/// What holds for one model or one app: the tables `[models."NAME"]` and `[apps."NAME"]`. A request goes before an
/// app, an app before a model, a model before `runtime`.
struct ConfigOverrides {
    std::optional<std::chrono::nanoseconds> keep_alive; ///< as runtime.keep_alive
    std::optional<std::int64_t> context_tokens;         ///< context: as runtime.context
    std::optional<int> parallel;                        ///< as runtime.parallel
};

/// Where values come from, lowest first: a later layer goes before an earlier one.
enum class ConfigLayer : std::uint8_t {
    built_in,
    ollama, ///< OLLAMA_* of the environment, with compat.ollama: it stands where defaults stand
    system, ///< /etc/hearth/config.toml
    user,
    environment, ///< HEARTH_RAM_LIMIT
};
/// "built-in", "OLLAMA_*", "system", "user", "environment".
std::string_view layer_name(ConfigLayer layer) noexcept;

/// One layer's word about a setting.
struct ConfigWord {
    ConfigLayer layer = ConfigLayer::built_in;
    std::string place; ///< "/etc/hearth/config.toml:3", "OLLAMA_KEEP_ALIVE"; empty: built-in
    std::string value; ///< as TOML; empty: nothing is set
};

/// A setting and everybody who set it, the built-in value first; the last word counts.
struct ConfigRow {
    std::string name;
    std::vector<ConfigWord> words;
    bool live = true; ///< counts at once when it changes; else after a restart of the service
};

struct LoadedConfig;

/// The settings of the service, merged in the order of ConfigLayer.
/// A plain value; changes on the io thread when a file changes.
struct Config {
    std::optional<std::uint64_t>
        ram_limit_bytes; ///< memory.ram_limit, HEARTH_RAM_LIMIT: "8GiB", "512MB" or bytes
    std::optional<std::uint64_t> margin_bytes;     ///< memory.margin: stays free in RAM; absent: by its size
    std::optional<std::uint64_t> gpu_margin_bytes; ///< memory.gpu_margin: stays free on each GPU
    std::chrono::nanoseconds keep_alive = std::chrono::minutes(5); ///< runtime.keep_alive; negative: for ever
    int parallel = 4;                                              ///< runtime.parallel: slots of a model
    /// runtime.context: tokens per sequence when a request names none, capped by the model; 0: as the planner
    /// finds right for this machine.
    std::int64_t context_tokens = 0;
    std::string backend; ///< runtime.backend; empty: chosen by format
    int threads = 0;     ///< runtime.threads; 0: physical cores
    std::string default_registry = "registry.ollama.ai";
    ServerConfig server;
    bool compat_ollama = false; ///< compat.ollama: honour OLLAMA_* of the environment
    std::map<std::string, ConfigOverrides>
        models; ///< by the model's name as it was written, in any of its forms
    std::map<std::string, ConfigOverrides>
        apps; ///< by the name of the app's token, or the path of its program

    /// Reads the files of `paths::config_files()` and the environment.
    /// @throws Error  invalid_argument: unknown key (with the nearest name), wrong type, unreadable TOML,
    /// with file and line
    static Config load();
    /// The same, and who set what.
    static LoadedConfig load_with_words();
};

struct LoadedConfig {
    Config config;
    std::vector<ConfigRow> rows; ///< every key of the table, then models and apps that are set
};

/// The text of a configuration file with one key set to a value, everything else byte for byte as it was.
/// @param value  TOML, or a bare word such as 8GiB, which is quoted
/// @throws Error  invalid_argument: no such key (with the nearest name), a value that it cannot have, or a file that
/// does not parse; unsupported: the key stands in an inline table
std::string set_in_config(const std::string& text, const std::string& key, const std::string& value);
/// The same without the key. Keys that are not there are no error.
std::string unset_in_config(const std::string& text, const std::string& key);

/// "8GiB", "512MB", "1.5GB", "1024": bytes. @throws Error invalid_argument
std::uint64_t parse_bytes(const std::string& text);
/// "4.1 GB" (decimal, as `ls -h --si` and Ollama print).
std::string format_bytes(std::uint64_t bytes);

} // namespace hearth
