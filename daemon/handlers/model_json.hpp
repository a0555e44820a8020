#pragma once

#include "base/config.hpp"
#include "base/json.hpp"
#include "registry/model.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <string>

/// Models in Ollama's shapes. Pure functions.
namespace hearth::daemon {

Json details_json(const registry::ModelDetails& details);
/// A row of /api/tags.
Json tags_row(const registry::Model& model);
/// A row of /api/ps. A model that stays for ever expires at the end of the clock, as Ollama shows it.
Json ps_row(const runtime::LoadedModel& loaded);
/// /api/show without `model_info`.
Json show_json(const registry::Model& model);
/// The model's parameters as Modelfile lines without PARAMETER: "stop   \"<|end|>\"".
std::string parameter_lines(const registry::Model& model);

} // namespace hearth::daemon
