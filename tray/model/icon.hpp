#pragma once

#include "tray/model/appearance.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hearth::tray {

/// A picture as StatusNotifierItem wants it: rows of ARGB, four bytes a pixel, in network order, not premultiplied.
struct Pixmap {
    int width = 0;
    int height = 0;
    std::vector<std::uint8_t> argb;
};

/// One filled outline of an icon, in a square of 64 units: what the SVG file beside it says too.
struct IconShape {
    std::string_view path; ///< SVG path data with M, L, C and Z, absolute
    std::uint32_t rgb = 0;
};

/// The outlines of a kind, the lowest first.
std::vector<IconShape> icon_shapes(IconKind kind);

/// Draws a kind for hosts that have not got our icons; with progress a bar lies over its lower edge.
/// @param size  pixels of a side
Pixmap draw_icon(IconKind kind, std::optional<int> progress_twentieths, int size);

} // namespace hearth::tray
