#pragma once

#include "registry/manifest.hpp"

#include <string>
#include <string_view>

namespace hearth::registry {

/// Annotations of the weights of a model that was made here from another one.
namespace annotation {
inline constexpr const char* source = "io.hearth.source";               ///< full name of the other model
inline constexpr const char* source_digest = "io.hearth.source.digest"; ///< of its manifest
inline constexpr const char* quantization = "io.hearth.quantization";   ///< "Q4_K_M"
} // namespace annotation

/// The manifest of a model with the same template, parameters, licences, projector and adapters as another one,
/// and other weights. The config is our own: the source's may describe its weights.
/// @param source   bytes of the other model's manifest
/// @param weights  takes the place of all its shards
std::string derive_manifest(std::string_view source, const Layer& weights, const Layer& config);

} // namespace hearth::registry
