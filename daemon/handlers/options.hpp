#pragma once

#include "base/json.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>

/// Ollama's `options`, in one table: names, types, ranges, and what the backend calls them (features
/// reference 2.6).
namespace hearth::daemon {

/// Options that passed their types and ranges.
struct Options {
    Json sampling = Json::object();          ///< in the names of llama-server's API
    std::optional<std::int64_t> num_predict; ///< nullopt: until the model ends
    runtime::LoadOptions load;
    Json others = Json::object(); ///< names that the table does not have
};

/// @param object  an `options` object, or null
/// @throws Error  invalid_argument, naming the option: wrong type, out of range, not finite
Options parse_options(const Json& object);

/// The defaults that Ollama documents, under what `options` says.
void apply_ollama_defaults(Options& options);

/// Options of a model's own `params` layer under those of the request. A model cannot make a request fail:
/// what is wrong in its layer is left out.
/// @param model_json  JSON object text, may be empty
Json layer_options(const std::string& model_json, const Json& request);

/// Adds to `body` what only this backend knows: names that begin with its own and an underscore
/// ("echo_delay_ms").
void add_backend_options(const Options& options, const std::string& backend, Json& body);

} // namespace hearth::daemon
