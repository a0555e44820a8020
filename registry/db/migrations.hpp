#pragma once

#include <span>
#include <string_view>

namespace hearth::registry {

/// One step of the schema: `db/migrations/<number>_<name>.sql`, embedded by CMake.
struct Migration {
    int number;
    std::string_view name;
    std::string_view sql;
};

/// All of them, numbered 1, 2, 3 … in order.
std::span<const Migration> migrations() noexcept;

} // namespace hearth::registry
