#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What `hearth doctor` finds: the service's part travels as `checks` of GET /hearth/v1/doctor, the command adds
/// what only a client sees.
namespace hearth::protocol {

enum class FindingStatus : std::uint8_t { ok, warn, fail };

/// One thing that was looked at.
struct Finding {
    std::string check; ///< stable dotted name: "store.owner"
    FindingStatus status = FindingStatus::ok;
    std::string text; ///< one line for people: what is so
    std::string fix;  ///< the exact command, or what to write where; empty when there is nothing to do
};

/// "ok", "warn", "fail".
std::string_view status_name(FindingStatus status) noexcept;

Json finding_json(const Finding& finding);
/// The `checks` of an answer; rows that are none are left out, an unknown status counts as warn.
std::vector<Finding> findings_from_json(const Json& answer);

} // namespace hearth::protocol
