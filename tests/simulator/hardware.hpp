#pragma once

#include "tests/simulator/trace.hpp"

#include <string>

namespace hearth::simulator {

/// What computes: its memory's speed decides how fast answers come, its arithmetic how fast prompts are read.
struct Hardware {
    std::string device;
    double memory_speed = 0; ///< gigabytes per second
    double prompt_speed = 0; ///< tokens per second, times gigabytes of weights
};

/// A notebook's processor, 38 GB/s; a graphics card of 8 GB, 272 GB/s; one of 12 GB, 360 GB/s.
inline const Hardware notebook{"cpu", 38, 240};
inline const Hardware card_8gb{"gpu0", 272, 7500};
inline const Hardware card_12gb{"gpu0", 360, 6500};

/// What models may have of a machine with 16 GB of RAM, and of the two cards.
inline constexpr std::uint64_t ram_16gb = 11'500'000'000;
inline constexpr std::uint64_t vram_8gb = 7'400'000'000;
inline constexpr std::uint64_t vram_12gb = 11'200'000'000;

/// @param gigabytes  of memory while loaded; nine tenths are weights, the rest is cache and scratch
/// Reload: 0.3 s to start a process, then the weights at 1.5 GB/s (a middling NVMe disk). Answers: six tenths of the
/// memory's speed, as Q4 models reach.
PretendedModel model_on(const Hardware& hardware, std::string name, double gigabytes);

/// The same, with some of its layers in RAM: those set the pace.
PretendedModel split_model(const Hardware& hardware, std::string name, double gigabytes_there,
                           double gigabytes_in_ram);

} // namespace hearth::simulator
