#include "daemon/doctor_findings.hpp"

#include "base/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hearth::daemon {

using protocol::FindingStatus;

namespace {

std::string rebuild_index(const std::filesystem::path& index) {
    return fmt::format(
        "mv {} {}.damaged; hearth service restart; then pull the models again   (files that are here "
        "are not downloaded twice)",
        index.string(), index.string());
}

Finding working_backends(const std::vector<runtime::PluginManifest>& plugins,
                         const std::filesystem::path& plugin_dir) {
    if (plugins.empty()) {
        return {"backends", FindingStatus::fail, "no backend is installed: no model can run",
                fmt::format("install Hearth again, or put a backend into {}", plugin_dir.string())};
    }
    std::vector<std::string> names;
    bool runs_models = false;
    for (const runtime::PluginManifest& plugin : plugins) {
        names.push_back(fmt::format("{} {} (ABI {})", plugin.name, plugin.version, plugin.abi));
        runs_models = runs_models || plugin.needs_model();
    }
    if (!runs_models) {
        return {"backends", FindingStatus::fail,
                fmt::format("none of these runs model files: {}", fmt::join(names, ", ")),
                fmt::format("install Hearth again, or put a backend into {}", plugin_dir.string())};
    }
    return {"backends", FindingStatus::ok, fmt::format("{}", fmt::join(names, ", ")), {}};
}

} // namespace

std::vector<Finding> backend_findings(const runtime::PluginScan& scan,
                                      const std::filesystem::path& plugin_dir) {
    std::vector<Finding> findings{working_backends(scan.plugins, plugin_dir)};
    for (const runtime::PluginProblem& problem : scan.problems) {
        findings.push_back({"backends.left_out", FindingStatus::fail, problem.why,
                            problem.hint.empty()
                                ? fmt::format("rm -r {}", problem.file.parent_path().string())
                                : problem.hint});
    }
    return findings;
}

Finding devices_finding(const runtime::memory::MachineReport& report) {
    if (!report.warnings.empty()) {
        return {"devices", FindingStatus::fail, fmt::format("{}", fmt::join(report.warnings, "; ")),
                "hearth service logs   (a driver that was updated needs a restart of the machine)"};
    }
    const auto& host = report.machine.host;
    std::string text = fmt::format("{} for models on the CPU", format_bytes(host.budget_bytes()));
    for (const runtime::memory::Device& device : report.machine.accelerators) {
        text += fmt::format(", {} on {} ({})", format_bytes(device.budget_bytes()), device.id,
                            device.description);
    }
    if (host.budget_bytes() == 0) {
        return {"devices", FindingStatus::warn, "no memory is left for models",
                "hearth ps   (hearth stop MODEL frees memory; hearth devices shows what limits it)"};
    }
    return {"devices", FindingStatus::ok, text, {}};
}

Finding index_finding(const registry::Catalog::Health& health, const std::filesystem::path& index) {
    if (!health.damage.empty()) {
        return unopened_index_finding(fmt::format("the index is damaged: {}", health.damage.front()), index);
    }
    if (!health.incomplete.empty()) {
        return {"store.index", FindingStatus::fail,
                fmt::format("files are missing of {}", fmt::join(health.incomplete, ", ")),
                fmt::format("hearth pull {}", fmt::join(health.incomplete, "; hearth pull "))};
    }
    return {"store.index",
            FindingStatus::ok,
            fmt::format("intact; {} model{}", health.models, health.models == 1 ? "" : "s"),
            {}};
}

Finding unopened_index_finding(const std::string& why, const std::filesystem::path& index) {
    return {"store.index", FindingStatus::fail, why, rebuild_index(index)};
}

std::string without_login(const std::string& url) {
    const auto mark = url.find("://");
    const std::size_t begin = mark == std::string::npos ? 0 : mark + 3;
    const auto at = url.rfind('@', url.find('/', begin));
    return at == std::string::npos || at < begin ? url : url.substr(0, begin) + url.substr(at + 1);
}

} // namespace hearth::daemon
