#pragma once

#include "runtime/memory/budget.hpp"
#include "runtime/memory/fit.hpp"

#include <string>
#include <vector>

/// The sentences of a plan, without a full stop: they stand in a table's cell and after a colon.
namespace hearth::runtime::memory {

/// "needs 1.2 GB more on cpu and 0.3 GB more on cuda0"
std::string lacks_text(const std::vector<Shortage>& lacks);

/// "8192 tokens", "8192 tokens for each of 4 sequences", with the cache's type when it is not f16.
std::string context_text(const EstimateOptions& options);

} // namespace hearth::runtime::memory
