#pragma once

#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace hearth::cli {

struct Arguments;

/// A command of `hearth`. Help, completion, manual pages and docs/cli.md are made of this table.
struct CommandRow {
    std::string_view name;
    std::string_view summary;
    /// Tells the parser the options, which it writes into `arguments`. The type of a value says how it is completed:
    /// MODEL, LOADED, SOURCE (a model or a file), FILE, SETTING, COMMAND, or the words it may be: "infer|full".
    void (*declare)(CLI::App& command, Arguments& arguments);
    std::string_view
        json_fields; ///< what `--json` prints at least, beside "version"; with several actions: the first
    std::string_view exit_codes; ///< beside 0, 1 and 2
};

/// In the order of `hearth help`.
std::span<const CommandRow> command_table() noexcept;

} // namespace hearth::cli
