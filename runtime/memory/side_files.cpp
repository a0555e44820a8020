#include "runtime/memory/side_files.hpp"

#include <algorithm>

namespace hearth::runtime::memory {

void add_side_files(Estimate& memory, const Candidate& candidate, const Placement& placement) {
    if (memory.devices.empty()) {
        return;
    }
    const bool has_accelerator = memory.devices.size() > 1 && placement.gpu_layers > 0;
    DeviceBytes& host = memory.devices.front();
    if (const auto& projector = candidate.projector) {
        DeviceBytes& home = has_accelerator && placement.projector_on_gpu ? memory.devices[1] : host;
        home.projector += projector->weight_bytes + projector->compute_bytes;
    }
    if (const auto& draft = candidate.draft) {
        DeviceBytes& home = has_accelerator ? memory.devices.back() : host;
        home.draft += draft->weight_bytes + draft->compute_bytes;
    }
}

} // namespace hearth::runtime::memory
