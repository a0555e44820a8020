#pragma once

#include <filesystem>
#include <string>

namespace hearth::daemon::http::testing {

/// Writes a certificate for localhost, signed by its own new key, and that key.
/// @param password  of the key; empty: none
void write_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key,
                       const std::string& password = {});

} // namespace hearth::daemon::http::testing
