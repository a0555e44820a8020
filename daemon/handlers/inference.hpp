#pragma once

#include "daemon/handlers/options.hpp"
#include "daemon/handlers/requests.hpp"
#include "daemon/handlers/services.hpp"
#include "daemon/http/request.hpp"
#include "daemon/http/response_writer.hpp"
#include "daemon/line_queue.hpp"
#include "registry/model.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// From the name in a request to the right to use a loaded runner: the steps that every inference handler
/// shares.
namespace hearth::daemon {

/// What a request runs on.
struct Target {
    std::optional<registry::Model> model; ///< nullopt: the backend needs none
    std::string name;                     ///< what `ps` and the scheduler call it
    std::string shown;                    ///< in answers: as the client wrote it, for `default` the real name
    http::App app;                        ///< who asks

    /// The model's own `params` layer; empty without a model.
    const std::string& parameters() const;
};

/// @param backend  as the client asked; empty: configured or by the model's format
/// @throws Error   backend_not_found; model_not_found; default_unset; bad_reference
boost::asio::awaitable<Target> find_target(Services& services, std::string name, std::string backend,
                                           http::App app);

/// Whether the model has it; nullopt where it declares no capabilities at all. @param capability  as below
std::optional<bool> has_capability(const Target& target, std::string_view capability);

/// @param capability  "completion", "tools", "vision", "thinking", "embedding"
/// @param what        for the message: `"name" does not support <what>`
/// @throws Error      unsupported. A model that declares no capabilities at all is believed to have them
void require_capability(const Target& target, std::string_view capability, std::string_view what);

/// Request options over the model's own. @throws Error invalid_argument
Options options_of(const Target& target, const CommonFields& common);

/// How long the model stays where no request says so: what the configuration has for the app, else `keep_alive`
/// among its own parameters (a wrong one is none), else what the configuration has for the model.
std::optional<std::chrono::nanoseconds> usual_keep_alive(const Services& services, const Target& target);

/// Load options of the model's own parameters, for requests that bring none.
runtime::LoadOptions model_load_options(const Target& target, const std::string& backend);

using Lease = std::unique_ptr<runtime::RunnerLease>;
/// Waits for its turn, loads when needed.
/// @param lines  told meanwhile: {"status": "waiting", "ahead", "reason"}, {"status": "loading", "stage",
/// "fraction"}; or null
boost::asio::awaitable<Lease> acquire(Services& services, Target target, runtime::LoadOptions load,
                                      std::optional<std::chrono::nanoseconds> keep_alive,
                                      std::shared_ptr<LineQueue> lines = nullptr);

/// As acquire; a client that asked for "progress" is told meanwhile what it waits for, in lines before its answer.
boost::asio::awaitable<Lease> acquire_telling(Services& services, Target target, runtime::LoadOptions load,
                                              CommonFields common, http::ResponseWriter& out);

/// The empty request of Ollama's clients: loads the model, or with keep_alive 0 unloads it. @return "load" or
/// "unload"
boost::asio::awaitable<std::string> load_or_unload(Services& services, Target target, CommonFields common,
                                                   http::ResponseWriter& out);

/// Runs an operation that has one event. @throws Error backend_failed when it has none
boost::asio::awaitable<Json> run_single(runtime::RunnerLease& lease, std::string operation, std::string body);

} // namespace hearth::daemon
