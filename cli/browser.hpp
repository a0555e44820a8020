#pragma once

#include <string>

namespace hearth::cli {

class Interrupt;

/// Shows an address in the user's browser, which outlives us: `xdg-open` as the desktop has it.
/// @return whether it was taken; false where there is no desktop, no xdg-open, or it says that it cannot
bool open_in_browser(const std::string& address, Interrupt& interrupt);

} // namespace hearth::cli
