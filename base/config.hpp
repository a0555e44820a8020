#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
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
};

/// What holds for one model: the table `[models."NAME"]`.
struct ModelConfig {
    std::optional<std::chrono::nanoseconds> keep_alive; ///< as runtime.keep_alive, for this model
};

/// The settings of the service, merged: built-in < system file < user file < environment.
/// A plain value; read once at start.
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
    std::map<std::string, ModelConfig> models; ///< by the model's name as it was written, in any of its forms

    /// Reads the files of `paths::config_files()` and the environment.
    /// @throws Error  invalid_argument: unknown key (with the nearest name), wrong type, unreadable TOML,
    /// with file and line
    static Config load();
};

/// "8GiB", "512MB", "1.5GB", "1024": bytes. @throws Error invalid_argument
std::uint64_t parse_bytes(const std::string& text);
/// "4.1 GB" (decimal, as `ls -h --si` and Ollama print).
std::string format_bytes(std::uint64_t bytes);

} // namespace hearth
