#include "cli/doctor/checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

namespace hearth::cli::doctor {

namespace fs = std::filesystem;
using protocol::FindingStatus;

namespace {

/// Programs of that name along PATH, in its order, each file once.
std::vector<fs::path> programs_on_path(const System& system, const std::string& name) {
    std::vector<fs::path> found;
    std::vector<fs::path> files;
    std::istringstream folders(system.variable("PATH").value_or(""));
    for (std::string folder; std::getline(folders, folder, ':');) {
        const fs::path candidate = fs::path(folder) / name;
        if (folder.empty() || !system.may_execute(candidate)) {
            continue;
        }
        const fs::path file = system.resolve(candidate).value_or(candidate);
        if (std::ranges::find(files, file) == files.end()) {
            files.push_back(file);
            found.push_back(candidate);
        }
    }
    return found;
}

} // namespace

Finding check_service(const ServiceFacts& service, const fs::path& log) {
    if (service.answers) {
        return {"service",
                FindingStatus::ok,
                fmt::format("version {} answers at {}", service.version, service.socket.string()),
                {}};
    }
    return {"service", FindingStatus::fail, service.failure,
            service.failure_fix.empty() ? "tail " + log.string() : service.failure_fix};
}

Finding check_versions(const ServiceFacts& service, const std::string& own_version) {
    if (!service.answers) {
        return {"versions",
                FindingStatus::ok,
                fmt::format("hearth {}; no service to compare with", own_version),
                {}};
    }
    if (service.version == own_version) {
        return {"versions", FindingStatus::ok, fmt::format("hearth and the service are {}", own_version), {}};
    }
    return {"versions", FindingStatus::fail,
            fmt::format("hearth is {}, the service that runs is {}", own_version, service.version),
            "hearth service restart"};
}

Finding check_configuration(const std::optional<std::pair<std::string, std::string>>& failure) {
    if (!failure) {
        return {"configuration", FindingStatus::ok, "reads without an error", {}};
    }
    const auto& [text, hint] = *failure;
    return {"configuration", FindingStatus::fail, text, hint.empty() ? "correct that line" : hint};
}

Finding check_path(const System& system) {
    const std::vector<fs::path> found = programs_on_path(system, "hearth");
    const fs::path own = system.program();
    const bool first = !found.empty() && system.resolve(found.front()).value_or(found.front()) == own;
    if (found.size() > 1) {
        std::vector<std::string> others;
        for (const fs::path& program : found) {
            if (system.resolve(program).value_or(program) != own) {
                others.push_back(program.string());
            }
        }
        return {"path", FindingStatus::warn,
                fmt::format("PATH finds more than one hearth; this one is {}, there is also {}", own.string(),
                            fmt::join(others, " and ")),
                fmt::format("rm {}   (or remove its package)", fmt::join(others, " "))};
    }
    if (!first) {
        const std::string folder = own.parent_path().string();
        return {"path", FindingStatus::warn,
                found.empty()
                    ? fmt::format("{} is not on PATH", folder)
                    : fmt::format("PATH finds {}, this one is {}", found.front().string(), own.string()),
                fmt::format("export PATH=\"{}:$PATH\"   (and the same line in ~/.profile)", folder)};
    }
    return {"path", FindingStatus::ok, fmt::format("{} is the only one on PATH", own.string()), {}};
}

} // namespace hearth::cli::doctor
