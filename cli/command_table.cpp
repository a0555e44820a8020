#include "cli/command_table.hpp"

#include "base/error.hpp"
#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>

namespace hearth::cli {
namespace {

/// CLI11's own checks print every digit of the largest double.
std::string not_negative(const std::string& text) {
    double number = 0;
    return CLI::detail::lexical_cast(text, number) && number >= 0 ? "" : "must be a number, 0 or more";
}

std::string positive(const std::string& text) {
    std::int64_t number = 0;
    return CLI::detail::lexical_cast(text, number) && number > 0 ? "" : "must be a whole number above 0";
}

std::string think_level(const std::string& text) {
    constexpr std::array<std::string_view, 6> levels{"on", "off", "low", "medium", "high", "max"};
    const bool known = std::find(levels.begin(), levels.end(), text) != levels.end();
    return known ? "" : "must be on, off, low, medium, high or max";
}

void declare_nothing(CLI::App&, Arguments&) {}

void declare_pull(CLI::App& command, Arguments& arguments) {
    PullOptions& options = arguments.pull;
    command.add_option("model", options.model, "A name, an address, or a path of a .gguf file")
        ->required()
        ->type_name("SOURCE");
    command.add_option("--as", options.as, "Keep it under this name");
    command.add_flag("--insecure", options.insecure, "Allow plain http to this registry");
}

void declare_quantize(CLI::App& command, Arguments& arguments) {
    QuantizeOptions& options = arguments.quantize;
    command.add_option("model", options.model, "An installed F32, F16, BF16 or Q8_0 model")
        ->required()
        ->type_name("MODEL");
    command.add_option("type", options.type, "What to make of it, such as Q4_K_M or Q8_0")->required();
    command.add_option("--as", options.as,
                       "Keep it under this name; default: its name with the type as its tag");
}

void declare_memory(CLI::App& command, MemoryOptions& options) {
    command.add_option("--ctx", options.context_tokens, "Context length in tokens")->check(positive);
    command.add_option("--parallel", options.parallel, "Requests that are answered at once")->check(positive);
    command.add_option("--kv", options.kv_type, "Type of the cache")->type_name("f16|q8_0|q4_0");
    command.add_option("--load-mode", options.load_mode, "How weights come into memory")
        ->type_name("mmap|repack|read");
    command.add_option("--gpu-layers", options.gpu_layers, "Layers on the GPU; 0: none");
    command.add_flag("--force", options.force, "Go ahead though it does not fit");
}

void declare_load(CLI::App& command, Arguments& arguments) {
    RunOptions& options = arguments.run;
    command.add_option("model", options.model, "Name of the model")->required()->type_name("MODEL");
    command.add_option("--backend", options.backend, "Backend plugin to run it with");
    command.add_option("--keep-alive", options.keep_alive,
                       "How long it stays loaded: 5m, 0 (unload at once), -1 (for ever)");
    declare_memory(command, options.memory);
}

void declare_plan(CLI::App& command, Arguments& arguments) {
    PlanOptions& options = arguments.plan;
    command.add_option("model", options.model, "An installed model, or anything that can be pulled")
        ->required()
        ->type_name("SOURCE");
    declare_memory(command, arguments.memory);
    command.add_option("--quant", options.quant, "Plan this quantization; the others are listed beside it");
    command.add_flag("--unified", options.unified, "Sequences share one cache (the default)");
    command.add_flag("--no-unified", options.not_unified, "Each sequence has a cache of its own")
        ->excludes("--unified");
    command.add_option("--device", options.device, "Where it is to run: cpu, cuda0, …");
    command.add_flag("--embeddings", options.embeddings, "For vectors, not for text");
    command.add_option("--ram", options.ram, "Pretend a machine with this much free memory: 8GiB");
    command.add_option("--gpu", options.gpus, "Pretend a GPU: 6GiB or 6GiB:168GB/s; once for each")
        ->take_all()
        ->allow_extra_args(false);
    command.add_flag("--quick", options.quick,
                     "Read 64 KiB and no more: which device holds how much is a guess");
    command.add_flag("--insecure", options.insecure, "Allow plain http to this registry");
}

void declare_run(CLI::App& command, Arguments& arguments) {
    declare_load(command, arguments);
    RunOptions& options = arguments.run;
    command.add_option("prompt", options.prompt,
                       "The question; piped input is appended. None: a conversation");
    command
        .add_option("-f,--file", options.files,
                    "A text or a picture that goes with the question; once for each")
        ->type_name("FILE")
        ->take_all()
        ->allow_extra_args(false);
    command.add_option("--system", options.system, "Instructions for the model");
    command
        .add_option("--format", options.format,
                    "Shape of the answer: json, or a file that holds a JSON Schema")
        ->type_name("FILE");
    command.add_option("--temp", options.temperature, "Temperature; 0 always takes the likeliest token")
        ->check(not_negative);
    command.add_option("--seed", options.seed, "Seed of the sampler");
    command.add_option("--max-tokens", options.max_tokens, "Longest answer in tokens");
    command.add_option("--think", options.think, "Think before the answer")
        ->type_name("on|off|low|medium|high|max")
        ->check(think_level);
    command.add_flag("--verbose", options.verbose, "Print timings to stderr");
}

void declare_show(CLI::App& command, Arguments& arguments) {
    ShowOptions& options = arguments.show;
    command.add_option("model", options.model, "Name of the model")->required()->type_name("MODEL");
    command.add_flag("--template", options.only_template, "Print only the chat template");
    command.add_flag("--system", options.only_system, "Print only the system text");
    command.add_flag("--parameters", options.only_parameters, "Print only the parameters");
    command.add_flag("--license", options.only_license, "Print only the licence");
    command.add_flag("--verbose", options.verbose, "Also print every key of the model file");
}

void declare_models(CLI::App& command, Arguments& arguments) {
    command.add_option("models", arguments.models, "Names of models")->required()->type_name("MODEL");
}

void declare_stop(CLI::App& command, Arguments& arguments) {
    command.add_option("models", arguments.models, "Names of models")->required()->type_name("LOADED");
}

void declare_devices(CLI::App& command, Arguments& arguments) {
    command.add_flag("--measure", arguments.devices.measure, "Measure speeds anew: some seconds, all cores");
}

std::string token_action(const std::string& text) {
    const bool known = text == "create" || text == "list" || text == "revoke";
    return known ? "" : "must be create, list or revoke";
}

std::string token_scope(const std::string& text) {
    return text == "infer" || text == "full" ? "" : "must be infer or full";
}

void declare_token(CLI::App& command, Arguments& arguments) {
    TokenOptions& options = arguments.token;
    command.add_option("action", options.action, "What to do")
        ->type_name("create|list|revoke")
        ->check(token_action);
    command.add_option("name", options.name, "What you call the app; for revoke its id will do");
    command
        .add_option("--scope", options.scope,
                    "infer: inference and listing; full: also pulling, deleting and loading")
        ->type_name("infer|full")
        ->check(token_scope);
    command.add_option("--expires", options.expires, "How long it is valid: 30d, 12h; none: until revoked");
    command.callback([&options] {
        if (options.name.empty() && options.action != "list") {
            throw CLI::ValidationError("name", "is required");
        }
    });
}

void declare_use(CLI::App& command, Arguments& arguments) {
    UseOptions& options = arguments.use;
    command.add_option("model", options.model, "An installed model; none: list what is chosen")
        ->type_name("MODEL");
    command.add_option("--app", options.app,
                       "For one app: its token's name, or the path of its program; none: for all");
    command.add_flag("--clear", options.clear, "Choose nothing any more");
    command.callback([&options] {
        if (options.clear && !options.model.empty()) {
            throw CLI::ValidationError("--clear", "takes no model");
        }
        if (!options.clear && options.model.empty() && !options.app.empty()) {
            throw CLI::ValidationError("model", "is required with --app");
        }
    });
}

std::string one_of(const std::string& text, std::initializer_list<std::string_view> words) {
    if (std::find(words.begin(), words.end(), text) != words.end()) {
        return "";
    }
    std::string list;
    for (const std::string_view word : words) {
        list.append(list.empty() ? "" : ", ").append(word);
    }
    return "must be one of " + list;
}

std::string config_action(const std::string& text) {
    return one_of(text, {"get", "set", "unset", "explain"});
}

std::string service_action(const std::string& text) {
    return one_of(text, {"status", "enable", "disable", "restart", "stop", "logs"});
}

void declare_config(CLI::App& command, Arguments& arguments) {
    ConfigOptions& options = arguments.config;
    command.add_option("action", options.action, "What to do")
        ->type_name("get|set|unset|explain")
        ->check(config_action);
    command.add_option("key", options.key, "Such as runtime.keep_alive; none: all")->type_name("SETTING");
    command.add_option("value", options.value, "For set: 10m, 8GiB, true, [\"a\", \"b\"]");
    command.callback([&options] {
        if ((options.action == "set" || options.action == "unset") && options.key.empty()) {
            throw CLI::ValidationError("key", "is required");
        }
        if ((options.action == "set") == options.value.empty()) {
            throw CLI::ValidationError("value",
                                       options.action == "set" ? "is required" : "goes with set alone");
        }
    });
}

void declare_service(CLI::App& command, Arguments& arguments) {
    ServiceOptions& options = arguments.service;
    command.add_option("action", options.action, "What to do")
        ->type_name("status|enable|disable|restart|stop|logs")
        ->check(service_action);
    command.add_flag(
        "--at-boot", options.at_boot,
        "For enable and disable: start at boot and live on after logout (lingering), or no longer");
    command.add_flag("-f,--follow", options.follow, "For logs: go on until Ctrl-C");
    command.add_option("-n,--lines", options.lines, "For logs: how many lines")->check(positive);
}

std::string backend_action(const std::string& text) {
    return one_of(text, {"list", "install", "use", "remove"});
}

void declare_backend(CLI::App& command, Arguments& arguments) {
    BackendOptions& options = arguments.backend;
    command.add_option("action", options.action, "What to do")
        ->type_name("list|install|use|remove")
        ->check(backend_action);
    command.add_option("name", options.name,
                       "NAME or NAME@VERSION; for install also the full name of a package at npm");
    command.add_option("--from", options.from, "Install this tarball instead of asking npm")
        ->type_name("FILE");
    command.add_option("--sha256", options.sha256, "What sha256sum must say about the tarball")
        ->type_name("HEX");
    command.add_option("--integrity", options.integrity, "The same as npm writes it: sha512-…");
    command.callback([&options] {
        const bool installs = options.action == "install";
        if (options.name.empty() && installs && options.from.empty()) {
            throw Error(
                ErrorCode::usage, "which backend is to be installed?",
                "hearth backend install NAME asks npm for it; hearth backend install --from FILE takes a "
                "tarball that is here");
        }
        if (options.name.empty() && (options.action == "use" || options.action == "remove")) {
            throw Error(ErrorCode::usage, "which backend is to be " + options.action + "d?",
                        "hearth backend " + options.action + " NAME; hearth backend list has the names");
        }
        if (!installs && !(options.from + options.sha256 + options.integrity).empty()) {
            throw CLI::ValidationError("--from, --sha256 and --integrity", "go with install alone");
        }
    });
}

void declare_open(CLI::App& command, Arguments& arguments) {
    command.add_flag("--print", arguments.open.print, "Print the link instead: good once, for a minute");
}

void declare_search(CLI::App& command, Arguments& arguments) {
    command.add_option("words", arguments.models, "Words that must all match; none: everything");
}

void declare_help(CLI::App& command, Arguments& arguments) {
    command.add_option("command", arguments.topic, "A command")->type_name("COMMAND");
}

// What `--json` prints on one line, and beyond 0, 1 (failed) and 2 (usage) the exit codes of design section 4. A command
// that starts the service, or needs it, ends with 5 when that fails.
constexpr std::array<CommandRow, 22> commands{{
    {"run", "Ask a model, or talk with it; pulls it first when it is absent", declare_run,
     "model response done", "3 4 5 6 130"},
    {"pull", "Download a model, or adopt a file", declare_pull, "status", "3 4 5 6 130"},
    {"search", "Find well-known models by words", declare_search, "models", "5 130"},
    {"quantize", "Make a smaller model of an installed one", declare_quantize, "status", "3 4 5 6 130"},
    {"plan", "Say what a model needs and how it would run, before it is downloaded", declare_plan,
     "model pick choices", "3 4 5 6 130"},
    {"list", "List the models in the store (also: ls)", declare_nothing, "models", "5 130"},
    {"show", "Show what a model is", declare_show, "details model_info capabilities", "3 5 130"},
    {"ps", "List the models in memory", declare_nothing, "models", "5 130"},
    {"load", "Load a model before it is needed", declare_load, "status", "3 4 5 130"},
    {"stop", "Unload models; returns when their memory is free", declare_stop, "stopped unloaded", "3 5 130"},
    {"rm", "Remove models from the store", declare_models, "removed freed_bytes", "3 5 130"},
    {"devices", "List CPU and GPUs: memory, limits, speed", declare_devices, "devices cores warnings",
     "5 130"},
    {"token", "Let apps in over TCP: create, list and revoke their tokens", declare_token, "tokens",
     "3 5 130"},
    {"use", "Choose what the model name \"default\" means, for all apps or for one", declare_use,
     "model defaults", "3 5 130"},
    {"open", "Open the page in the browser: chat, models, status", declare_open, "url address", "5 130"},
    {"config", "Show settings and who set them, or change one", declare_config, "settings files", "5 130"},
    {"service", "Enable, disable, restart or look at the background service", declare_service,
     "running asleep pid managed manager socket socket_unit service_unit lingering", "5 130"},
    {"backend", "Install, choose and remove what runs models: for GPUs, or in other versions",
     declare_backend, "backends", "3 4 6 130"},
    {"doctor", "Look for what is wrong and say how to fix it", declare_nothing, "ok checks", "130"},
    {"status", "Show the state of the service", declare_nothing, "running asleep service", "5 130"},
    {"version", "Print the versions of this program and of the service", declare_nothing, "hearth service",
     "130"},
    {"help", "Explain a command", declare_help, "text commands", ""},
}};

} // namespace

std::span<const CommandRow> command_table() noexcept {
    return commands;
}

} // namespace hearth::cli
