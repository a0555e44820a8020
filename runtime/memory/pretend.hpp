#pragma once

#include "runtime/memory/device.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hearth::runtime::memory {

/// A machine that somebody asks about.
struct PretendedMachine {
    std::optional<std::string> ram; ///< "8GiB" or "8GiB:50GB/s"
    std::vector<std::string> gpus;  ///< "6GiB:168GB/s", "24GiB": one each

    bool is_real() const noexcept { return !ram && gpus.empty(); }
};

/// The machine that was asked about. RAM and GPUs are empty but for their margins: `free` is what was given.
/// With anything pretended the real accelerators are left out; without `ram` the host stays the real one.
/// RAM without a bandwidth keeps the real CPU's speed; a GPU without one is taken for an average card
/// (`assumed_gpu_bandwidth`). Ids are "gpu0", "gpu1", …, fastest first.
/// @throws Error  usage: a size or a bandwidth that cannot be understood, zero, or more than 16 GPUs
Machine pretend(Machine real, const PretendedMachine& wanted);

} // namespace hearth::runtime::memory
