#pragma once

#include <string>
#include <string_view>

namespace hearth::sdk {

/// 64 lower-case hex digits (FIPS 180-4). The kit stands alone, so it brings its own.
std::string sha256_hex(std::string_view bytes);

} // namespace hearth::sdk
