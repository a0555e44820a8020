#pragma once

#include "cli/pull_model.hpp"

#include <functional>

namespace hearth::cli {

class Service;
struct RunOptions;

/// Runs `ask`; when the model is absent, pulls it, puts the name it is kept under into `options`, and runs `ask` again.
/// @throws Error  as `ask` and the pull
void with_model(Service& service, RunOptions& options, PullReport report, const std::function<void()>& ask);

/// Loads the model, pulled first when it is absent, so that a missing or broken one is told before the first question.
/// @throws Error  as with_model
void open_model(Service& service, RunOptions& options, PullReport report);

} // namespace hearth::cli
