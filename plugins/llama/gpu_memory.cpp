#include "plugins/llama/gpu_memory.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

namespace hearth::llama {

namespace fs = std::filesystem;

namespace {

// The part of NVML's stable C interface that is used here (NVML API reference, "Device Queries").
using NvmlDevice = void*;
struct NvmlPci {
    char legacy_id[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char id[32];
};
struct NvmlMemory {
    unsigned version;
    unsigned long long total, reserved, free, used;
};
constexpr unsigned nvml_memory_version = sizeof(NvmlMemory) | (2u << 24);
constexpr int nvml_success = 0;
constexpr int nvml_not_supported = 3;
constexpr unsigned most_devices = 64;

std::uint64_t left(std::uint64_t total, std::uint64_t used) {
    return total > used ? total - used : 0;
}

/// The opened and started library.
class Nvml {
  public:
    explicit Nvml(const char* library) : handle_(::dlopen(library, RTLD_NOW | RTLD_LOCAL)) {
        started_ = handle_ && call<int()>("nvmlInit_v2") == nvml_success;
    }
    ~Nvml() {
        if (started_) {
            call<int()>("nvmlShutdown");
        }
        // Not closed: a driver's library keeps threads and handlers.
    }
    Nvml(const Nvml&) = delete;

    bool started() const noexcept { return started_; }

    /// Calls a function of the library; -1 when it has none of that name.
    template <class Signature, class... Arguments> int call(const char* name, Arguments... arguments) const {
        const auto function = reinterpret_cast<Signature*>(::dlsym(handle_, name));
        return function ? function(arguments...) : -1;
    }

  private:
    void* handle_;
    bool started_ = false;
};

std::optional<GpuMemory> read_device(const Nvml& nvml, unsigned index) {
    NvmlDevice device = nullptr;
    NvmlPci pci{};
    if (nvml.call<int(unsigned, NvmlDevice*)>("nvmlDeviceGetHandleByIndex_v2", index, &device) !=
            nvml_success ||
        nvml.call<int(NvmlDevice, NvmlPci*)>("nvmlDeviceGetPciInfo_v3", device, &pci) != nvml_success) {
        return std::nullopt;
    }
    NvmlMemory memory{};
    memory.version = nvml_memory_version;
    const int status = nvml.call<int(NvmlDevice, NvmlMemory*)>("nvmlDeviceGetMemoryInfo_v2", device, &memory);
    if (status != nvml_success && status != nvml_not_supported) {
        return std::nullopt; // no right to ask, a lost device: the backend's own figures stand
    }
    GpuMemory result;
    char id[32];
    std::snprintf(id, sizeof id, "%04x:%02x:%02x.0", pci.domain, pci.bus, pci.device);
    result.pci = id;
    result.source = "nvml";
    result.unified = status == nvml_not_supported; // a chip without memory of its own
    result.total_bytes = memory.total;
    result.free_bytes = left(left(memory.total, memory.reserved), memory.used);
    unsigned display = 0;
    result.display = nvml.call<int(NvmlDevice, unsigned*)>("nvmlDeviceGetDisplayActive", device, &display) ==
                         nvml_success &&
                     display != 0;
    return result;
}

std::optional<std::uint64_t> read_number(const fs::path& file) {
    std::ifstream in(file);
    std::uint64_t number = 0;
    return in >> number ? std::optional(number) : std::nullopt;
}

/// "card0", not "card0-HDMI-A-1" or "renderD128".
bool is_card(const std::string& name) {
    return name.starts_with("card") && name.size() > 4 &&
           std::all_of(name.begin() + 4, name.end(), [](unsigned char c) { return std::isdigit(c); });
}

bool has_display(const fs::path& card) {
    std::error_code failed;
    for (fs::directory_iterator at(card, failed), end; !failed && at != end; at.increment(failed)) {
        std::ifstream status(at->path() / "status");
        std::string word;
        if (status >> word && word == "connected") {
            return true;
        }
    }
    return false;
}

std::optional<GpuMemory> read_card(const fs::path& card) {
    const fs::path device = card / "device";
    const auto vram = read_number(device / "mem_info_vram_total");
    const auto vram_used = read_number(device / "mem_info_vram_used");
    if (!vram || !vram_used) {
        return std::nullopt; // another driver's
    }
    const auto gtt = read_number(device / "mem_info_gtt_total").value_or(0);
    const auto gtt_used = read_number(device / "mem_info_gtt_used").value_or(0);
    GpuMemory result;
    std::error_code failed;
    result.pci = fs::canonical(device, failed).filename().string();
    result.source = "amdgpu";
    result.display = has_display(card);
    result.total_bytes = *vram;
    result.free_bytes = left(*vram, *vram_used);
    result.shared_total_bytes = gtt;
    result.shared_free_bytes = left(gtt, gtt_used);
    return result;
}

} // namespace

std::vector<GpuMemory> read_nvml(const char* library) {
    std::vector<GpuMemory> result;
    const Nvml nvml(library);
    unsigned count = 0;
    if (!nvml.started() || nvml.call<int(unsigned*)>("nvmlDeviceGetCount_v2", &count) != nvml_success) {
        return result;
    }
    for (unsigned index = 0; index < std::min(count, most_devices); ++index) {
        if (auto device = read_device(nvml, index)) {
            result.push_back(std::move(*device));
        }
    }
    return result;
}

std::vector<GpuMemory> read_amdgpu(const std::string& root) {
    std::vector<GpuMemory> result;
    std::error_code failed;
    for (fs::directory_iterator at(fs::path(root) / "sys/class/drm", failed), end; !failed && at != end;
         at.increment(failed)) {
        if (!is_card(at->path().filename().string())) {
            continue;
        }
        if (auto card = read_card(at->path())) {
            result.push_back(std::move(*card));
        }
    }
    return result;
}

std::vector<GpuMemory> read_gpu_memory() {
    std::vector<GpuMemory> all = read_nvml();
    for (GpuMemory& card : read_amdgpu()) {
        all.push_back(std::move(card));
    }
    return all;
}

} // namespace hearth::llama
