#pragma once

#include <string>
#include <string_view>

namespace hearth::tray {

/// How a host takes the underscore in a label, which com.canonical.dbusmenu gives to mnemonics.
enum class UnderscoreRule {
    doubled,     ///< "__" is shown as "_", as the specification says
    first_alone, ///< GNOME's AppIndicator extension: one `replace(/_([^_])/, "$1")`, so all but the first are shown as they are
};

/// The label that a host shows as `text`.
std::string escape_underscores(std::string_view text, UnderscoreRule rule);

} // namespace hearth::tray
