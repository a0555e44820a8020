#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hearth::cli {

struct PullOptions {
    std::string model;
    std::string as;
    bool insecure = false;
};

struct QuantizeOptions {
    std::string model;
    std::string type;
    std::string as;
};

/// Wishes about memory that `plan`, `load` and `run` share. Empty: the planner's choice.
struct MemoryOptions {
    std::optional<std::int64_t> context_tokens;
    std::optional<std::int64_t> parallel;
    std::optional<std::int64_t> gpu_layers;
    std::string kv_type;
    std::string load_mode;
    bool force = false;
};

struct PlanOptions {
    std::string model;
    std::string quant;
    std::string device;
    std::string ram;
    std::vector<std::string> gpus;
    bool unified = false;
    bool not_unified = false;
    bool embeddings = false;
    bool quick = false;
    bool insecure = false;
};

struct RunOptions {
    std::string model;
    std::vector<std::string> prompt;
    std::vector<std::string> files; ///< paths of texts and pictures that go with the question
    std::string system;
    std::string format; ///< "json" or the path of a JSON Schema, as it was given
    std::string backend;
    std::string keep_alive;
    MemoryOptions memory;
    std::string think; ///< on, off, or a level
    std::optional<double> temperature;
    std::optional<std::int64_t> seed;
    std::optional<std::int64_t> max_tokens;
    bool verbose = false;
    // Not of the command line:
    std::string format_json;                       ///< what `format` means, as JSON text; empty: free text
    std::map<std::string, std::string> parameters; ///< more of the service's options: name to JSON text
    bool keep_history = true;                      ///< of what is typed in a conversation
    bool tell_waiting = false;                     ///< somebody reads what the answer waits for
};

struct ShowOptions {
    std::string model;
    bool only_template = false;
    bool only_system = false;
    bool only_parameters = false;
    bool only_license = false;
    bool verbose = false;
};

struct DevicesOptions {
    bool measure = false;
};

struct TokenOptions {
    std::string action = "list"; ///< create, list, revoke
    std::string name;
    std::string scope = "infer";
    std::string expires; ///< empty: never
};

struct UseOptions {
    std::string model; ///< empty: list, or clear
    std::string app;   ///< empty: all apps
    bool clear = false;
};

struct ConfigOptions {
    std::string action = "get"; ///< get, set, unset, explain
    std::string key;            ///< empty: all
    std::string value;
};

struct ServiceOptions {
    std::string action = "status"; ///< status, enable, disable, restart, stop, logs
    bool at_boot = false;
    bool follow = false;
    std::int64_t lines = 100;
};

struct BackendOptions {
    std::string action = "list"; ///< list, install, use, remove
    std::string name;            ///< with or without @VERSION
    std::string from;            ///< a tarball
    std::string sha256;          ///< of the tarball, in hex digits
    std::string integrity;       ///< of the tarball, as npm writes it
};

struct OpenOptions {
    bool print = false; ///< the link, and no browser
};

/// The command line, understood. A plain value; each command reads the part that is its own.
struct Arguments {
    std::string command; ///< canonical: "list" also for "ls"
    bool json = false;
    bool quiet = false;
    std::vector<std::string> models; ///< stop, rm; the words of search
    std::string topic;               ///< help
    PullOptions pull;
    QuantizeOptions quantize;
    RunOptions run;       ///< run and load
    MemoryOptions memory; ///< plan
    PlanOptions plan;
    ShowOptions show;
    DevicesOptions devices;
    TokenOptions token;
    UseOptions use;
    ConfigOptions config;
    ServiceOptions service;
    BackendOptions backend;
    OpenOptions open;
};

/// Understands a command line; `words` without the program's name. `--help` anywhere becomes the command
/// "help" with a topic.
/// @throws Error  usage, with a hint: an unknown command (and the nearest), option, or a missing argument
Arguments parse_arguments(std::vector<std::string> words);

/// What `hearth help [topic]` prints. @throws Error usage for an unknown topic
std::string help_text(const std::string& topic);

struct OptionSummary {
    std::vector<std::string> names; ///< "-q", "--quiet"; empty for what has its place instead
    std::string positional;         ///< the name of what has its place; else empty
    std::string value;              ///< as CommandRow::declare says; empty: a flag
    std::string text;
    bool required = false;
    bool repeated = false;
};

/// A command as the documentation and the completions need it.
struct CommandSummary {
    std::string name;
    std::string summary;
    std::vector<OptionSummary> options;
    std::vector<std::string> json_fields;
    std::vector<std::string> exit_codes; ///< beside 0, 1 and 2
};
std::vector<CommandSummary> command_summaries();

} // namespace hearth::cli
