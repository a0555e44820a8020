#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

/// What Tab does.
struct Completion {
    std::string insert;               ///< at the cursor; may be empty
    std::vector<std::string> choices; ///< to be shown when nothing was inserted and there are several
};

/// Completes what stands before the cursor: slash commands, settings and their values, what can be shown, models after
/// `/load`, files after `/file` and `/set format`. Nothing else is completed.
/// @param models  the names of the models in the store; asked when they are needed
Completion complete_line(std::string_view before, const std::function<std::vector<std::string>()>& models);

} // namespace hearth::cli
