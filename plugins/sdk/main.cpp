/// hearth-plugin-check PLUGIN.so [--no-load] [--model FILE]… [--json]: does a backend keep the contract of
/// hearth_backend.h?
#include "plugins/sdk/kit.hpp"

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

constexpr int exit_usage = 2;
constexpr const char* usage =
    "Usage: hearth-plugin-check PLUGIN.so [--no-load] [--model FILE]... [--json]\n"
    "\n"
    "Loads a backend plugin into this process and tries what the ABI promises. Its manifest\n"
    "backend-<name>.json must lie beside it.\n"
    "\n"
    "  --no-load     look at the files alone: manifest, checksum, exported names; no code of the\n"
    "                plugin runs, which is right for one that nobody knows yet\n"
    "  --model FILE  a model that it can load; repeat it for the shards of a split one, in order\n"
    "  --json        one JSON object a line\n"
    "\n"
    "Exit code: 0 every check passed, 1 one failed, 2 usage.\n";

struct Arguments {
    std::filesystem::path library;
    std::vector<std::filesystem::path> model;
    bool load = true;
    hearth::sdk::Report::Format format = hearth::sdk::Report::Format::text;
};

std::optional<Arguments> parse(int count, char** words) {
    Arguments arguments;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--json") {
            arguments.format = hearth::sdk::Report::Format::json_lines;
        } else if (word == "--no-load") {
            arguments.load = false;
        } else if (word == "--model" && i + 1 < count) {
            arguments.model.emplace_back(words[++i]);
        } else if (!word.starts_with("-") && arguments.library.empty()) {
            arguments.library = word;
        } else {
            return std::nullopt;
        }
    }
    return arguments.library.empty() ? std::nullopt : std::optional(arguments);
}

} // namespace

int main(int count, char** words) {
    if (count == 2 && (std::strcmp(words[1], "--help") == 0 || std::strcmp(words[1], "-h") == 0)) {
        std::fputs(usage, stdout);
        return 0;
    }
    const std::optional<Arguments> arguments = parse(count, words);
    if (!arguments) {
        std::fputs(usage, stderr);
        return exit_usage;
    }
    hearth::sdk::Report report(arguments->format);
    std::filesystem::path library;
    const bool there = report.check("the library is there",
                                    [&] { library = std::filesystem::canonical(arguments->library); });
    if (there) {
        hearth::sdk::Kit kit(report, library, arguments->model);
        if (arguments->load) {
            kit.run();
        } else {
            kit.check_files();
        }
    }
    const int code = report.finish();
    // As a runner: a plugin's library is never unloaded, and its static destructors never run.
    std::fflush(nullptr);
    ::_exit(code);
}
