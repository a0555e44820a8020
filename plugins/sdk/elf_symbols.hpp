#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::sdk {

/// Names that a 64-bit ELF shared library defines for others, sorted. @throws Violation when it is no such
/// library
std::vector<std::string> exported_symbols(std::string_view library);

} // namespace hearth::sdk
