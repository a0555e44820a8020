#include "protocol/finding.hpp"

#include <nlohmann/json.hpp>

namespace hearth::protocol {
namespace {

FindingStatus status_from(const std::string& name) noexcept {
    if (name == "ok") {
        return FindingStatus::ok;
    }
    return name == "fail" ? FindingStatus::fail : FindingStatus::warn;
}

} // namespace

std::string_view status_name(FindingStatus status) noexcept {
    switch (status) {
    case FindingStatus::ok:
        return "ok";
    case FindingStatus::warn:
        return "warn";
    case FindingStatus::fail:
        return "fail";
    }
    return "fail";
}

Json finding_json(const Finding& finding) {
    Json row{{"check", finding.check}, {"status", status_name(finding.status)}, {"text", finding.text}};
    if (!finding.fix.empty()) {
        row["fix"] = finding.fix;
    }
    return row;
}

std::vector<Finding> findings_from_json(const Json& answer) {
    std::vector<Finding> findings;
    const auto rows = answer.find("checks");
    if (rows == answer.end() || !rows->is_array()) {
        return findings;
    }
    for (const Json& row : *rows) {
        if (!row.is_object()) {
            continue;
        }
        findings.push_back({get_string(row, "check").value_or("service"),
                            status_from(get_string(row, "status").value_or("")),
                            get_string(row, "text").value_or(""), get_string(row, "fix").value_or("")});
    }
    return findings;
}

} // namespace hearth::protocol
