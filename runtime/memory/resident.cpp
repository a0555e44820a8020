#include "runtime/memory/resident.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace hearth::runtime::memory {

std::optional<std::uint64_t> resident_bytes(pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string word; status >> word;) {
        std::uint64_t kibibytes = 0;
        if (word == "VmRSS:" && status >> kibibytes) {
            return kibibytes << 10;
        }
    }
    return std::nullopt;
}

std::uint64_t fixed_bytes(std::uint64_t resident, const DeviceBytes& host) noexcept {
    const std::uint64_t buffers = host.weights + host.kv + host.state + host.output;
    return resident - std::min(resident, buffers);
}

} // namespace hearth::runtime::memory
