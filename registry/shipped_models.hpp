#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Models that come with the program: files that need no network. Functions read the environment at each call.
namespace hearth::registry {

/// The small manual model that every installation has.
constexpr std::string_view ember_name = "ember";

/// $HEARTH_MODELS, else <prefix>/lib/hearth/models of the running executable. May not exist.
std::filesystem::path shipped_models_dir();

/// The file that a short name means ("ember", "ember:latest"), when it is there: it goes before what a registry
/// has under that name. Touches the disk.
std::optional<std::filesystem::path> shipped_model(std::string_view name);

} // namespace hearth::registry
