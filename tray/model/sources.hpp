#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::tray {

/// A list of the service that the tray keeps a copy of.
enum class Source { capabilities, models, loaded, defaults, tokens };

/// All of them, in the order in which they are read: capabilities say which others there are.
std::span<const Source> all_sources() noexcept;
/// "/api/ps": what is read with GET.
std::string_view target_of(Source source) noexcept;
/// The lists that an event makes old.
std::vector<Source> sources_after(std::string_view event_type);

} // namespace hearth::tray
