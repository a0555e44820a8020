#include "cli/doctor/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace hearth::cli::doctor {

namespace fs = std::filesystem;
using protocol::FindingStatus;

namespace {

constexpr std::string_view nvidia_vendor = "0x10de";
constexpr std::string_view amd_vendor = "0x1002";
constexpr std::string_view intel_vendor = "0x8086";

std::string first_line(std::string text) {
    return text.substr(0, text.find('\n'));
}

struct GpuCard {
    std::string vendor;
    std::string maker; ///< "NVIDIA"
};

/// Display controllers (PCI class 03) that run models; Intel's are left out: in most machines they drive the
/// screen and share its memory.
std::vector<GpuCard> gpu_cards(const System& system) {
    std::vector<GpuCard> cards;
    for (const fs::path& device : system.entries("/sys/bus/pci/devices")) {
        const std::string kind = system.read(device / "class").value_or("");
        const std::string vendor = first_line(system.read(device / "vendor").value_or(""));
        if (!kind.starts_with("0x03") || vendor == intel_vendor) {
            continue;
        }
        if (vendor == nvidia_vendor || vendor == amd_vendor) {
            cards.push_back({vendor, vendor == nvidia_vendor ? "NVIDIA" : "AMD"});
        }
    }
    return cards;
}

/// Device files that a GPU backend opens.
std::optional<fs::path> locked_device(const System& system) {
    for (const fs::path& file :
         {fs::path("/dev/nvidiactl"), fs::path("/dev/nvidia0"), fs::path("/dev/kfd")}) {
        if (system.look(file) && !system.may_read_and_write(file)) {
            return file;
        }
    }
    for (const fs::path& file : system.entries("/dev/dri")) {
        if (file.filename().string().starts_with("renderD") && !system.may_read_and_write(file)) {
            return file;
        }
    }
    return std::nullopt;
}

bool has_nvidia_driver(const System& system) {
    return system.read("/proc/driver/nvidia/version").has_value();
}

/// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54" → "550.54"
std::string nvidia_version(const System& system) {
    const std::string line = first_line(system.read("/proc/driver/nvidia/version").value_or(""));
    const auto mark = line.find("Module  ");
    const std::string rest = mark == std::string::npos ? "" : line.substr(mark + 8);
    return rest.substr(0, rest.find(' '));
}

} // namespace

Finding check_gpu_driver(const System& system, const ServiceFacts& service) {
    const std::vector<GpuCard> cards = gpu_cards(system);
    const bool driver = has_nvidia_driver(system);
    if (cards.empty() && !driver) {
        return {"gpu.driver",
                FindingStatus::ok,
                "no GPU of NVIDIA or AMD in this machine: models run on the CPU",
                {}};
    }
    const std::string maker = cards.empty() ? "NVIDIA" : cards.front().maker;
    if (maker == "NVIDIA" && !driver) {
        return {"gpu.driver", FindingStatus::fail, "there is an NVIDIA GPU, and its driver is not loaded",
                "sudo modprobe nvidia   (Debian: sudo apt install nvidia-driver, then restart the machine)"};
    }
    if (const auto file = locked_device(system)) {
        return {"gpu.driver", FindingStatus::fail, fmt::format("you may not use {}", file->string()),
                fmt::format("sudo usermod -aG video,render {}   (then log in again)", system.user_name())};
    }
    const std::string version = driver ? " (driver " + nvidia_version(system) + ")" : "";
    if (service.answers && !service.has_gpu) {
        return {"gpu.driver", FindingStatus::warn,
                fmt::format("there is a GPU of {}{}, and no backend here uses it: models run on the CPU",
                            maker, version),
                fmt::format("put a GPU backend into {}", (service.data_dir / "plugins").string())};
    }
    return {"gpu.driver", FindingStatus::ok, fmt::format("GPU of {}{}", maker, version), {}};
}

Finding check_clock(const System& system) {
    const auto own = system.look(system.program());
    const auto now = system.now();
    if (own && now + std::chrono::days(1) < own->modified) {
        return {"clock", FindingStatus::fail,
                "the clock is behind: this program is newer than today, so certificates of registries count "
                "as not yet "
                "valid",
                "sudo timedatectl set-ntp true   (or: sudo date -s 'YYYY-MM-DD HH:MM')"};
    }
    if (own && now > own->modified + std::chrono::years(20)) {
        return {"clock", FindingStatus::fail,
                "the clock is decades ahead, so certificates of registries count as expired",
                "sudo timedatectl set-ntp true   (or: sudo date -s 'YYYY-MM-DD HH:MM')"};
    }
    if (system.clock_state() == ClockState::free_running) {
        return {"clock", FindingStatus::warn, "nothing keeps the clock right",
                "sudo timedatectl set-ntp true"};
    }
    return {"clock", FindingStatus::ok, "plausible", {}};
}

} // namespace hearth::cli::doctor
