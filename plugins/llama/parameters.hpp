#pragma once

struct common_params;

namespace hearth::llama {

class ModelFiles;
class PretendedDevices;
struct ModelHeader;
struct Settings;

/// llama.cpp's parameters for this model: what llama-server's own parser and start-up would make of the
/// arguments, without what they also do (read configuration files and the environment, print, exit).
///
/// The context: every one of `parallel` sequences may use all of settings.context, so there are context ×
/// parallel cells: in one pool, or with `unified` false in one of their own for each. With context 0 the pool is
/// the model's trained context, which the sequences share.
/// @param pretended  devices to plan with instead of the real ones; outlives the result
/// @throws Failure   HEARTH_E_INVALID: an argument that is unknown, not allowed or wrong
common_params make_parameters(const Settings& settings, const ModelFiles& files, const ModelHeader& header,
                              const PretendedDevices* pretended = nullptr);

} // namespace hearth::llama
