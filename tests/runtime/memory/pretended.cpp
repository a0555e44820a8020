#include "tests/runtime/memory/pretended.hpp"

namespace hearth::tests {

using runtime::memory::Device;
using runtime::memory::DeviceKind;
using runtime::memory::Machine;

Device pretended_device(const std::string& id, DeviceKind kind, std::uint64_t total_bytes,
                        std::uint64_t budget_mib, double bytes_per_second) {
    Device device;
    device.id = id;
    device.kind = kind;
    device.total_bytes = total_bytes;
    device.fixed_bytes = kind == DeviceKind::cpu ? process_bytes : 0;
    device.free_bytes = budget_mib * mebibyte;
    device.bandwidth = bytes_per_second;
    device.pretended = true;
    return device;
}

Machine pretended_machine(std::uint64_t ram_gib, std::uint64_t budget_mib, double bytes_per_second,
                          int cores) {
    Machine machine;
    machine.host = pretended_device("cpu", DeviceKind::cpu, ram_gib * gibibyte, budget_mib, bytes_per_second);
    machine.cores = cores;
    return machine;
}

Machine with_gpu(Machine machine, std::uint64_t total_gib, std::uint64_t budget_mib,
                 double bytes_per_second) {
    const std::string id = "cuda" + std::to_string(machine.accelerators.size());
    machine.accelerators.push_back(
        pretended_device(id, DeviceKind::gpu, total_gib * gibibyte, budget_mib, bytes_per_second));
    return machine;
}

} // namespace hearth::tests
