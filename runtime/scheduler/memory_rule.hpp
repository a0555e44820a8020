#pragma once

#include "base/error.hpp"
#include "registry/model.hpp"
#include "runtime/scheduler/arbiter.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The first rule for memory, until the planner knows better: pure functions over sizes.
namespace hearth::runtime {

struct MemoryRoom;

/// What a model will need, guessed from its files: weights and a tenth for cache and buffers. No files, no
/// need.
std::uint64_t estimate_need_bytes(const std::vector<registry::ModelFile>& files);

/// Who holds memory now.
struct Holder {
    enum class Kind {
        loading, ///< reserved, perhaps not yet seen in the system's numbers
        busy,
        idle
    };
    std::string name;
    Kind kind = Kind::busy;
    std::uint64_t bytes = 0; ///< of RAM
    DeviceBytes accelerators{};
};

struct MemoryState {
    std::uint64_t available_bytes = 0;        ///< of the system, by its tightest limit
    std::optional<std::uint64_t> limit_bytes; ///< memory.ram_limit: the sum of all runners stays below it
    std::vector<Holder> holders;
};

/// Bytes that can be taken without ending anything.
std::uint64_t free_bytes(const MemoryState& state);
/// Bytes that could be taken if every idle model went.
std::uint64_t reachable_bytes(const MemoryState& state);

/// The same, the system's share and the limit's apart.
MemoryRoom room(const MemoryState& state);

/// What the kernel, our cgroups and our ulimits still give (memory/available.hpp); no limit when nothing can be
/// read. A few small files.
std::uint64_t system_available_bytes();

/// memory_insufficient, with the numbers and what would help.
Error memory_refusal(const std::string& name, std::uint64_t need, const MemoryState& state);

} // namespace hearth::runtime
