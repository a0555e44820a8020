#pragma once

#include "runtime/memory/device.hpp"

/// Machines that are not here.
namespace hearth::tests {

inline constexpr std::uint64_t mebibyte = 1u << 20;
inline constexpr std::uint64_t gibibyte = 1u << 30;

/// A process of the engine takes this much beside its buffers: libraries and the tokenizer.
inline constexpr std::uint64_t process_bytes = 50 * mebibyte;

/// @param budget_mib  what is free without any margin; on the host the process takes its part of it
runtime::memory::Device pretended_device(const std::string& id, runtime::memory::DeviceKind kind,
                                         std::uint64_t total_bytes, std::uint64_t budget_mib,
                                         double bytes_per_second);

runtime::memory::Machine pretended_machine(std::uint64_t ram_gib, std::uint64_t budget_mib,
                                           double bytes_per_second, int cores);

/// The machine with one more GPU, "cuda0" first.
runtime::memory::Machine with_gpu(runtime::memory::Machine machine, std::uint64_t total_gib,
                                  std::uint64_t budget_mib, double bytes_per_second);

} // namespace hearth::tests
