#pragma once

#include "base/json.hpp"
#include "tray/model/sources.hpp"
#include "tray/model/state.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <variant>
#include <vector>

namespace hearth::tray {

/// The service is found in another phase.
struct PhaseChanged {
    ServicePhase phase = ServicePhase::unknown;
    std::string note{};
};
/// The answer to GET `target_of(source)`.
struct Snapshot {
    Source source = Source::capabilities;
    Json body;
};
/// An event of /hearth/v1/events.
struct ServiceEvent {
    std::string type;
    Json body;
};
/// Something that the user chose did not work.
struct ActionFailed {
    std::string what; ///< "Loading qwen2.5:7b"
    std::string error;
    std::string hint{};
};
using Message = std::variant<PhaseChanged, Snapshot, ServiceEvent, ActionFailed>;

/// What is worth a desktop notification.
struct Notice {
    enum class Urgency { normal, critical };

    std::string key; ///< a later notice with the same key takes its place
    std::string summary;
    std::string body;
    Urgency urgency = Urgency::normal;

    friend bool operator==(const Notice&, const Notice&) = default;
};

/// Changes the state by one message; touches nothing else. What a message lacks, or has in another shape than
/// expected, changes nothing.
/// @return what to tell the user
std::vector<Notice> reduce(State& state, const Message& message);

} // namespace hearth::tray
