#pragma once

#include "runtime/memory/fit.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <string>

/// From a choice of the planner to what a backend is told, and to what is said when nothing fits.
namespace hearth::daemon {

/// The choice as the scheduler takes it.
/// @param shape  of the model: what the engine keeps to go back to in a conversation is reserved as well
runtime::LoadPlan to_load_plan(const runtime::memory::Choice& choice, const registry::ModelShape& shape,
                               const runtime::memory::Machine& machine);

/// A load's wishes in the planner's terms.
runtime::memory::Wishes to_wishes(const runtime::LoadOptions& options);

/// "Q4_K_M, 4096 tokens x 4, q8_0 cache, on cpu, 1.2 GB".
std::string describe(const runtime::memory::Choice& choice);

/// Ends a load or a pull that cannot fit.
/// @throws Error  memory_insufficient: what it needs and what there is; the hint has the nearest plans that fit, as
/// options of the command line
[[noreturn]] void refuse(const std::string& model, const runtime::memory::Plan& plan,
                         const runtime::memory::Machine& machine);

} // namespace hearth::daemon
