#include "runtime/memory/pretend.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "runtime/memory/available.hpp"
#include "runtime/memory/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace hearth::runtime::memory {

namespace {

constexpr std::size_t most_gpus = 16;

struct PoolText {
    std::uint64_t bytes = 0;
    std::optional<double> bandwidth; ///< bytes per second
};

[[noreturn]] void refuse(std::string_view option, const std::string& text) {
    throw Error(ErrorCode::usage, fmt::format("{} \"{}\" is no size of memory", option, text.substr(0, 60)),
                "write it as 8GiB, or 6GiB:168GB/s with the bandwidth");
}

std::uint64_t parse_size(std::string_view option, const std::string& text, const std::string& part) {
    std::uint64_t bytes = 0;
    try {
        bytes = parse_bytes(part);
    } catch (const Error&) {
        refuse(option, text);
    }
    if (bytes == 0) {
        refuse(option, text);
    }
    return bytes;
}

PoolText parse_pool(std::string_view option, const std::string& text) {
    const auto colon = text.find(':');
    PoolText pool;
    pool.bytes = parse_size(option, text, text.substr(0, colon));
    if (colon != std::string::npos) {
        std::string rate = text.substr(colon + 1);
        if (rate.ends_with("/s")) {
            rate.resize(rate.size() - 2);
        }
        pool.bandwidth = static_cast<double>(parse_size(option, text, rate));
    }
    return pool;
}

Device pretend_host(Device host, const PoolText& ram) {
    host.total_bytes = ram.bytes;
    host.free_bytes = ram.bytes;
    host.margin_bytes = host_margin_bytes(ram.bytes, true); // most likely somebody's desktop
    host.pretended = true;
    if (ram.bandwidth) {
        host.bandwidth = *ram.bandwidth;
        host.bandwidth_assumed = false;
        host.throughput.clear(); // of another CPU
    }
    return host;
}

Device pretend_gpu(const PoolText& memory) {
    Device gpu;
    gpu.id = "gpu";
    gpu.kind = DeviceKind::gpu;
    gpu.description = "pretended";
    gpu.total_bytes = memory.bytes;
    gpu.free_bytes = memory.bytes;
    gpu.margin_bytes = gpu_margin_bytes(memory.bytes, true);
    gpu.fixed_bytes = assumed_fixed_bytes(gpu.id, gpu.kind);
    gpu.bandwidth = memory.bandwidth.value_or(assumed_gpu_bandwidth);
    gpu.bandwidth_assumed = !memory.bandwidth;
    gpu.pretended = true;
    return gpu;
}

} // namespace

Machine pretend(Machine real, const PretendedMachine& wanted) {
    if (wanted.is_real()) {
        return real;
    }
    if (wanted.gpus.size() > most_gpus) {
        throw Error(ErrorCode::usage,
                    fmt::format("{} GPUs; at most {} can be planned for", wanted.gpus.size(), most_gpus));
    }
    Machine machine = std::move(real);
    machine.accelerators.clear();
    if (wanted.ram) {
        machine.host = pretend_host(std::move(machine.host), parse_pool("--ram", *wanted.ram));
    }
    for (const std::string& text : wanted.gpus) {
        machine.accelerators.push_back(pretend_gpu(parse_pool("--gpu", text)));
    }
    sort_accelerators(machine);
    for (std::size_t number = 0; number < machine.accelerators.size(); ++number) {
        machine.accelerators[number].id = fmt::format("gpu{}", number);
    }
    return machine;
}

} // namespace hearth::runtime::memory
