#pragma once

#include "daemon/app_tokens.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// The file that holds the tokens of apps: JSON, hashes only.
namespace hearth::daemon {

/// "infer" or "full".
std::string_view scope_name(http::Access access) noexcept;
/// @throws Error invalid_argument
http::Access parse_scope(std::string_view text);

std::string app_tokens_to_text(const std::vector<AppToken>& tokens);
/// None when there is no file. Blocking. @throws Error store_failed
std::vector<AppToken> read_app_tokens(const std::filesystem::path& file);

} // namespace hearth::daemon
