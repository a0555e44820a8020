#pragma once

#include "daemon/handlers/services.hpp"
#include "daemon/http/request.hpp"
#include "daemon/known_answer.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>

/// Asking a model what it is known to answer.
namespace hearth::daemon {

struct TrialRequest {
    std::string model;
    std::string backend; ///< empty: configured or by the model's format
    http::App app;
    std::optional<int> gpu_layers{}; ///< absent: the planner's choice
};

struct Trial {
    Verdict verdict; ///< a backend that crashed or hangs has a fault, too
    KnownAnswers got;
    std::string backend; ///< empty when it crashed before it said
    std::string version;
};

/// Loads the model where it is not loaded.
/// @throws Error  what hinders the asking: model_not_found, memory_insufficient, …
boost::asio::awaitable<Trial> ask_known(Services& services, TrialRequest request, KnownAnswers known);

} // namespace hearth::daemon
