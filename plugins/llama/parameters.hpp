#pragma once

struct common_params;

namespace hearth::llama {

class ModelFiles;
struct ModelHeader;
struct Settings;

/// llama.cpp's parameters for this model: what llama-server's own parser and start-up would make of the
/// arguments, without what they also do (read configuration files and the environment, print, exit).
///
/// The context: every one of `parallel` sequences may use all of settings.context, so the shared key/value
/// pool has context × parallel cells. With context 0 the pool is the model's trained context, which the
/// sequences share.
/// @throws Failure  HEARTH_E_INVALID: an argument that is unknown, not allowed or wrong
common_params make_parameters(const Settings& settings, const ModelFiles& files, const ModelHeader& header);

} // namespace hearth::llama
