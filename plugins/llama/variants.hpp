#pragma once

#include <filesystem>
#include <string>

namespace hearth::llama {

/// Opens llama.cpp's backends that lie in `folder`. Its CPU backend comes in variants, one for each set of instructions; llama.cpp takes the one that suits the processor best.
/// @param passed_over  of the variants that run here, so many of the best are left out, because they were found
///                     wrong; 0: llama.cpp's own choice
/// @param scratch      gets a folder of links when some are passed over
/// @throws Failure     HEARTH_E_NOT_FOUND: fewer variants run here
void open_engine(const std::filesystem::path& folder, const std::filesystem::path& scratch, int passed_over);

/// The variant of the CPU backend in use ("haswell"); empty where it has none.
std::string cpu_variant();

} // namespace hearth::llama
