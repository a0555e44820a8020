#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// GPU memory as the drivers count it: without a context of our own on the device (it costs 100 to 550 MiB),
/// and right for other programs. Libraries are opened by name, so that nothing is needed where there is no GPU.
namespace hearth::llama {

struct GpuMemory {
    std::string pci; ///< "0000:c1:00.0", lower case: how ggml names a device
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t shared_total_bytes =
        0; ///< what it may map of the host's memory (amdgpu's GTT); 0: not said
    std::uint64_t shared_free_bytes = 0;
    bool unified = false; ///< it has no memory of its own; an AMD chip's carve-out does not tell
    bool display = false; ///< a screen hangs on it
    std::string source;   ///< "nvml", "amdgpu"
};

/// NVIDIA's management library; empty when it is not there. total − reserved − used, as the driver says.
std::vector<GpuMemory> read_nvml(const char* library = "libnvidia-ml.so.1");

/// Linux' amdgpu driver: VRAM, and what the GPU may map of the host's memory. Never the sum of both: what an APU
/// calls VRAM is taken from RAM before the system starts. @param root  folder that holds sys/
std::vector<GpuMemory> read_amdgpu(const std::string& root = "/");

/// All that the drivers say. Read it before anything makes a context on a device.
std::vector<GpuMemory> read_gpu_memory();

} // namespace hearth::llama
