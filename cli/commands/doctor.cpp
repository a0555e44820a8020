#include "base/config.hpp"
#include "base/error.hpp"
#include "base/paths.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/doctor/checks.hpp"
#include "cli/doctor/linux_system.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <unistd.h>

namespace hearth::cli {
namespace {

using doctor::Finding;
using doctor::ServiceFacts;
using protocol::FindingStatus;

void read_answer(const Json& answer, ServiceFacts& facts) {
    facts.checks = protocol::findings_from_json(answer);
    facts.data_dir = get_string(answer, "data_dir").value_or(facts.data_dir.string());
    facts.has_gpu = get_integer(answer, "gpus").value_or(0) > 0;
    const Json proxies = answer.value("proxies", Json::object());
    for (const auto& [name, value] : proxies.items()) {
        facts.proxies[name] = value.is_string() ? value.get<std::string>() : "";
    }
}

void read_doors(const Json& status, ServiceFacts& facts) {
    for (const Json& door : status.value("tcp", Json::array())) {
        facts.tcp.push_back(get_string(door, "address").value_or(""));
    }
}

/// What a service that answers says of itself. One that is too old to have a doctor is named by its version.
void ask_for_checks(const protocol::Client& client, ServiceFacts& facts) {
    try {
        read_answer(client.get("/hearth/v1/doctor"), facts);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
        if (error.code() != ErrorCode::route_not_found) {
            facts.checks.push_back({"service.checks", FindingStatus::fail,
                                    std::string("the service could not check itself: ") + error.what(),
                                    error.hint().empty() ? "hearth service logs" : error.hint()});
        }
    }
}

/// A service whose index is damaged cannot tell its status; that is a finding already.
void ask_for_doors(const protocol::Client& client, ServiceFacts& facts) {
    try {
        read_doors(client.get("/hearth/v1/status"), facts);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
    }
}

Finding selftest_finding(const Json& answer) {
    std::string backend = get_string(answer, "backend").value_or("?");
    if (const auto variant = get_string(answer, "variant")) {
        backend += " (" + *variant + ")";
    }
    if (answer.value("passed", false)) {
        return {"selftest", FindingStatus::ok, "ember answers as recorded, on the backend " + backend, {}};
    }
    return {
        "selftest", FindingStatus::fail,
        fmt::format("the backend {} computes wrong: {}", backend, get_string(answer, "fault").value_or("?")),
        "install hearth again, or another build of the backend " + backend};
}

/// A variant of the engine that is not used because it was found wrong here.
Finding variant_finding(const Json& row, const Json& answer) {
    const std::string variant = get_string(row, "variant").value_or("");
    const std::string text =
        fmt::format("{} of the backend {} was set aside: {}",
                    variant.empty() ? "the best variant" : "the variant " + variant,
                    get_string(answer, "backend").value_or("?"), get_string(row, "why").value_or("?"));
    if (!answer.value("passed", false)) { // nothing is right that would be used instead
        return {"backend.variant", FindingStatus::warn, text, {}};
    }
    return {"backend.variant", FindingStatus::warn, text,
            fmt::format("nothing has to be done: {} is used instead; hearth that is installed again, or a "
                        "newer one, is tried anew",
                        get_string(answer, "variant").value_or("the next one"))};
}

std::vector<Finding> selftest_findings(const Json& answer) {
    std::vector<Finding> findings{selftest_finding(answer)};
    for (const Json& row : answer.value("set_aside", Json::array())) {
        findings.push_back(variant_finding(row, answer));
    }
    return findings;
}

/// The known-answer test of the model that ships. An installation without it has no such finding.
void ask_for_selftest(const protocol::Client& client, ServiceFacts& facts) {
    try {
        const auto found = selftest_findings(client.post("/hearth/v1/selftest", Json::object()));
        facts.checks.insert(facts.checks.end(), found.begin(), found.end());
    } catch (const Error& error) {
        switch (error.code()) {
        case ErrorCode::cancelled:
            throw;
        case ErrorCode::route_not_found:
        case ErrorCode::unsupported:
            return;
        case ErrorCode::model_not_found:
            facts.checks.push_back({"selftest",
                                    FindingStatus::ok,
                                    "not run: ember was removed; hearth pull ember brings it back",
                                    {}});
            return;
        default:
            facts.checks.push_back({"selftest", FindingStatus::fail,
                                    std::string("ember cannot be run: ") + error.what(),
                                    error.hint().empty() ? "hearth service logs" : error.hint()});
        }
    }
}

/// Asks the service, which is started when none answers. That it does not start is a finding and no failure.
ServiceFacts ask_service(Service& service) {
    ServiceFacts facts;
    facts.socket = service.client().socket();
    facts.data_dir = paths::data_dir();
    try {
        const protocol::Client& client = service.started_client();
        facts.version = get_string(client.get("/api/version"), "version").value_or("?");
        facts.answers = true;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
        facts.failure = error.what();
        return facts;
    }
    ask_for_checks(service.client(), facts);
    ask_for_doors(service.client(), facts);
    ask_for_selftest(service.client(), facts);
    return facts;
}

std::optional<std::pair<std::string, std::string>> configuration_failure(Config& config) {
    try {
        config = Config::load();
        return std::nullopt;
    } catch (const Error& error) {
        return std::pair{std::string(error.what()), error.hint()};
    }
}

std::vector<Finding> all_findings(const doctor::System& system, const ServiceFacts& service) {
    Config config;
    const auto failure = configuration_failure(config);
    std::vector<Finding> findings{
        doctor::check_configuration(failure),
        doctor::check_service(service, paths::log_file()),
        doctor::check_versions(service, HEARTH_VERSION),
        doctor::check_path(system),
        doctor::check_runtime_folder(system, service.socket.parent_path()),
        doctor::check_socket_path(service.socket),
        doctor::check_store_owner(system, service.data_dir),
        doctor::check_store_space(system, service.data_dir),
    };
    findings.insert(findings.end(), service.checks.begin(), service.checks.end());
    const std::vector<Finding> around{
        doctor::check_gpu_driver(system, service),
        doctor::check_clock(system),
        doctor::check_proxy(system, service),
        doctor::check_ollama_port(system, service, config.server.listen),
        doctor::check_user_service(system),
        doctor::check_lingering(system),
        doctor::check_tray_host(system),
    };
    findings.insert(findings.end(), around.begin(), around.end());
    return findings;
}

const char* color_of(FindingStatus status) {
    switch (status) {
    case FindingStatus::ok:
        return "\x1b[32m";
    case FindingStatus::warn:
        return "\x1b[33m";
    case FindingStatus::fail:
        break;
    }
    return "\x1b[31m";
}

/// "warn  tray            nothing on this desktop shows …" and the fix below it.
std::string line_of(const Finding& finding) {
    const std::string status(protocol::status_name(finding.status));
    const std::string shown = has_color() ? color_of(finding.status) + status + "\x1b[0m" : status;
    std::string line = fmt::format("{}{:{}}{:<19}{}\n", shown, "", 6 - status.size(),
                                   printable_line(finding.check), printable_line(finding.text));
    if (!finding.fix.empty()) {
        line += fmt::format("{:25}fix: {}\n", "", printable_line(finding.fix));
    }
    return line;
}

std::size_t count(const std::vector<Finding>& findings, FindingStatus status) {
    return static_cast<std::size_t>(
        std::ranges::count_if(findings, [&](const Finding& finding) { return finding.status == status; }));
}

void print_findings(const std::vector<Finding>& findings, bool quiet) {
    for (const Finding& finding : findings) {
        if (!quiet || finding.status != FindingStatus::ok) {
            print(line_of(finding));
        }
    }
    if (!quiet) {
        print(fmt::format("{} ok, {} warn, {} fail\n", count(findings, FindingStatus::ok),
                          count(findings, FindingStatus::warn), count(findings, FindingStatus::fail)));
    }
}

} // namespace

int run_doctor(const Arguments& arguments, Service& service) {
    const doctor::LinuxSystem system;
    const std::vector<Finding> findings = all_findings(system, ask_service(service));
    const bool healthy = count(findings, FindingStatus::fail) == 0;
    if (arguments.json) {
        Json answer;
        answer["ok"] = healthy;
        answer["checks"] = Json::array();
        for (const Finding& finding : findings) {
            answer["checks"].push_back(protocol::finding_json(finding));
        }
        print_json(std::move(answer));
    } else {
        print_findings(findings, arguments.quiet);
    }
    return healthy ? 0 : 1;
}

} // namespace hearth::cli
