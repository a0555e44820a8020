#include "cli/arguments.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "cli/command_table.hpp"

// With command_table.cpp the only file that pays for CLI11 (several seconds of compile time).
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <sstream>

namespace hearth::cli {
namespace {

const CommandRow* find_command(std::string_view name) {
    if (name == "ls") {
        name = "list";
    }
    const auto found = std::ranges::find(command_table(), name, &CommandRow::name);
    return found == command_table().end() ? nullptr : &*found;
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
    unhide_list(arguments.run.format);
    std::for_each(arguments.run.prompt.begin(), arguments.run.prompt.end(), unhide_list);
    std::for_each(arguments.run.files.begin(), arguments.run.files.end(), unhide_list);
    std::for_each(arguments.models.begin(), arguments.models.end(), unhide_list);
    unhide_list(arguments.config.value);
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
    std::vector<std::string_view> names;
    std::ranges::transform(command_table(), std::back_inserter(names), &CommandRow::name);
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
    for (const CommandRow& row : command_table()) {
        text.append("  ").append(row.name).append(10 - row.name.size(), ' ').append(row.summary).append("\n");
    }
    text +=
        "\nEvery command takes --json and -q. hearth help COMMAND explains one.\n"
        "hearth run ember \"how do I …?\" asks the model that comes with Hearth: a self-test and a pocket\n"
        "manual, not an assistant.\n"
        "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 does not fit, 5 service unreachable,\n"
        "6 not allowed, 130 interrupted.\n";
    return text;
}

namespace {

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::istringstream stream{std::string(text)};
    for (std::string word; stream >> word;) {
        words.push_back(word);
    }
    return words;
}

OptionSummary summary_of(const CLI::Option& option) {
    OptionSummary summary;
    summary.positional = option.get_positional() ? option.get_name(true) : "";
    for (const std::string& name : option.get_snames()) {
        summary.names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
        summary.names.push_back("--" + name);
    }
    summary.value = option.get_type_size() == 0 ? "" : option.get_type_name();
    summary.text = option.get_description();
    summary.required = option.get_required();
    summary.repeated = option.get_items_expected_max() > 1;
    return summary;
}

} // namespace

std::vector<CommandSummary> command_summaries() {
    std::vector<CommandSummary> summaries;
    for (const CommandRow& row : command_table()) {
        CommandSummary summary{std::string(row.name),
                               std::string(row.summary),
                               {},
                               words_of(row.json_fields),
                               words_of(row.exit_codes)};
        Arguments unused;
        const auto parser = make_parser(row, unused);
        for (const CLI::Option* option : static_cast<const CLI::App&>(*parser).get_options()) {
            summary.options.push_back(summary_of(*option));
        }
        summaries.push_back(std::move(summary));
    }
    return summaries;
}

} // namespace hearth::cli
