#include "cli/arguments.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"

// The only file that pays for CLI11 (several seconds of compile time).
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <memory>

namespace hearth::cli {
namespace {

struct CommandRow {
    std::string_view name;
    std::string_view summary;
    void (*declare)(CLI::App& command, Arguments& arguments);
};

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
    command.add_option("model", options.model, "A name, an address, or a path of a .gguf file")->required();
    command.add_option("--as", options.as, "Keep it under this name");
    command.add_flag("--insecure", options.insecure, "Allow plain http to this registry");
}

void declare_quantize(CLI::App& command, Arguments& arguments) {
    QuantizeOptions& options = arguments.quantize;
    command.add_option("model", options.model, "An installed F32, F16, BF16 or Q8_0 model")->required();
    command.add_option("type", options.type, "What to make of it, such as Q4_K_M or Q8_0")->required();
    command.add_option("--as", options.as,
                       "Keep it under this name; default: its name with the type as its tag");
}

void declare_memory(CLI::App& command, MemoryOptions& options) {
    command.add_option("--ctx", options.context_tokens, "Context length in tokens")->check(positive);
    command.add_option("--parallel", options.parallel, "Requests that are answered at once")->check(positive);
    command.add_option("--kv", options.kv_type, "Type of the cache: f16, q8_0, q4_0");
    command.add_option("--load-mode", options.load_mode, "How weights come into memory: mmap, repack, read");
    command.add_option("--gpu-layers", options.gpu_layers, "Layers on the GPU; 0: none");
    command.add_flag("--force", options.force, "Go ahead though it does not fit");
}

void declare_load(CLI::App& command, Arguments& arguments) {
    RunOptions& options = arguments.run;
    command.add_option("model", options.model, "Name of the model")->required();
    command.add_option("--backend", options.backend, "Backend plugin to run it with");
    command.add_option("--keep-alive", options.keep_alive,
                       "How long it stays loaded: 5m, 0 (unload at once), -1 (for ever)");
    declare_memory(command, options.memory);
}

void declare_plan(CLI::App& command, Arguments& arguments) {
    PlanOptions& options = arguments.plan;
    command.add_option("model", options.model, "An installed model, or anything that can be pulled")
        ->required();
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
    command.add_option("--system", options.system, "Instructions for the model");
    command.add_option("--temp", options.temperature, "Temperature; 0 always takes the likeliest token")
        ->check(not_negative);
    command.add_option("--seed", options.seed, "Seed of the sampler");
    command.add_option("--max-tokens", options.max_tokens, "Longest answer in tokens");
    command.add_option("--think", options.think, "Think before the answer: on, off, low, medium, high, max")
        ->check(think_level);
    command.add_flag("--verbose", options.verbose, "Print timings to stderr");
}

void declare_show(CLI::App& command, Arguments& arguments) {
    ShowOptions& options = arguments.show;
    command.add_option("model", options.model, "Name of the model")->required();
    command.add_flag("--template", options.only_template, "Print only the chat template");
    command.add_flag("--system", options.only_system, "Print only the system text");
    command.add_flag("--parameters", options.only_parameters, "Print only the parameters");
    command.add_flag("--license", options.only_license, "Print only the licence");
    command.add_flag("--verbose", options.verbose, "Also print every key of the model file");
}

void declare_models(CLI::App& command, Arguments& arguments) {
    command.add_option("models", arguments.models, "Names of models")->required();
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
    command.add_option("action", options.action, "create, list or revoke")->check(token_action);
    command.add_option("name", options.name, "What you call the app; for revoke its id will do");
    command
        .add_option("--scope", options.scope,
                    "infer: inference and listing; full: also pulling, deleting and loading")
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
    command.add_option("model", options.model, "An installed model; none: list what is chosen");
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

void declare_search(CLI::App& command, Arguments& arguments) {
    command.add_option("words", arguments.models, "Words that must all match; none: everything");
}

void declare_help(CLI::App& command, Arguments& arguments) {
    command.add_option("command", arguments.topic, "A command");
}

constexpr std::array<CommandRow, 17> commands{{
    {"run", "Ask a model, or talk with it; pulls it first when it is absent", declare_run},
    {"pull", "Download a model, or adopt a file", declare_pull},
    {"search", "Find well-known models by words", declare_search},
    {"quantize", "Make a smaller model of an installed one", declare_quantize},
    {"plan", "Say what a model needs and how it would run, before it is downloaded", declare_plan},
    {"list", "List the models in the store (also: ls)", declare_nothing},
    {"show", "Show what a model is", declare_show},
    {"ps", "List the models in memory", declare_nothing},
    {"load", "Load a model before it is needed", declare_load},
    {"stop", "Unload models; returns when their memory is free", declare_models},
    {"rm", "Remove models from the store", declare_models},
    {"devices", "List CPU and GPUs: memory, limits, speed", declare_devices},
    {"token", "Let apps in over TCP: create, list and revoke their tokens", declare_token},
    {"use", "Choose what the model name \"default\" means, for all apps or for one", declare_use},
    {"status", "Show the state of the service", declare_nothing},
    {"version", "Print the versions of this program and of the service", declare_nothing},
    {"help", "Explain a command", declare_help},
}};

const CommandRow* find_command(std::string_view name) {
    if (name == "ls") {
        name = "list";
    }
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const CommandRow& row) { return row.name == name; });
    return found == commands.end() ? nullptr : &*found;
}

/// CLI11 takes a word like "[1,2]" apart as a list, and a prompt may be one: a mark in front hides it.
constexpr char list_mark = '\x01';

void hide_lists(std::vector<std::string>& words) {
    for (std::string& word : words) {
        if (word.starts_with('[')) {
            word.insert(word.begin(), list_mark);
        }
    }
}

void unhide_list(std::string& word) {
    if (word.starts_with(list_mark)) {
        word.erase(0, 1);
    }
}

void unhide_lists(Arguments& arguments) {
    unhide_list(arguments.run.system);
    std::for_each(arguments.run.prompt.begin(), arguments.run.prompt.end(), unhide_list);
    std::for_each(arguments.models.begin(), arguments.models.end(), unhide_list);
}

/// A parser for one command: building all of them for each start would be a waste.
std::unique_ptr<CLI::App> make_parser(const CommandRow& row, Arguments& arguments) {
    auto parser = std::make_unique<CLI::App>(std::string(row.summary), "hearth " + std::string(row.name));
    parser->set_help_flag("-h,--help", "Print this help");
    row.declare(*parser, arguments);
    parser->add_flag("--json", arguments.json, "Print JSON");
    parser->add_flag("-q,--quiet", arguments.quiet, "Print names only, no progress");
    return parser;
}

[[noreturn]] void throw_unknown_command(const std::string& name) {
    std::array<std::string_view, commands.size()> names;
    std::transform(commands.begin(), commands.end(), names.begin(),
                   [](const CommandRow& row) { return row.name; });
    const auto nearest = nearest_name(name, names);
    throw Error(ErrorCode::usage, "\"" + name + "\" is not a command",
                nearest ? "did you mean: hearth " + std::string(*nearest) : "hearth help lists the commands");
}

bool is_general_option(const std::string& word) {
    return word == "--json" || word == "-q" || word == "--quiet";
}

Arguments help_about(std::string topic, bool json) {
    Arguments arguments;
    arguments.command = "help";
    arguments.topic = std::move(topic);
    arguments.json = json;
    return arguments;
}

} // namespace

Arguments parse_arguments(std::vector<std::string> words) {
    const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
    const auto command = std::find_if_not(words.begin(), words.end(), is_general_option);
    if (command == words.end() || *command == "-h" || *command == "--help") {
        return help_about({}, json);
    }
    std::rotate(words.begin(), command, command + 1); // general options may stand before the command
    if (words.front() == "-v" || words.front() == "--version") {
        words.front() = "version";
    }
    const CommandRow* row = find_command(words.front());
    if (row == nullptr) {
        throw_unknown_command(words.front());
    }
    Arguments arguments;
    arguments.command = row->name;
    const auto parser = make_parser(*row, arguments);
    hide_lists(words);
    std::vector<std::string> rest(words.rbegin(), words.rend() - 1); // CLI11 takes them from the back
    try {
        parser->parse(std::move(rest));
    } catch (const CLI::CallForHelp&) {
        return help_about(arguments.command, json);
    } catch (const CLI::ParseError& error) {
        throw Error(ErrorCode::usage, error.what(), "hearth help " + arguments.command);
    }
    unhide_lists(arguments);
    return arguments;
}

std::string help_text(const std::string& topic) {
    if (!topic.empty()) {
        const CommandRow* row = find_command(topic);
        if (row == nullptr) {
            throw_unknown_command(topic);
        }
        Arguments unused;
        return make_parser(*row, unused)->help();
    }
    std::string text = "Hearth keeps AI models on your own machine and runs them there.\n\nUsage: hearth "
                       "COMMAND [OPTIONS]\n\n";
    for (const CommandRow& row : commands) {
        text.append("  ").append(row.name).append(10 - row.name.size(), ' ').append(row.summary).append("\n");
    }
    text += "\nEvery command takes --json and -q. hearth help COMMAND explains one.\n"
            "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 does not fit, 5 service unreachable,\n"
            "6 not allowed, 130 interrupted.\n";
    return text;
}

std::vector<CommandSummary> command_summaries() {
    std::vector<CommandSummary> summaries;
    summaries.reserve(commands.size());
    for (const CommandRow& row : commands) {
        summaries.push_back({std::string(row.name), std::string(row.summary)});
    }
    return summaries;
}

} // namespace hearth::cli
