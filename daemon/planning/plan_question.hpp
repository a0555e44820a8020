#pragma once

#include "base/json.hpp"
#include "runtime/memory/fit.hpp"
#include "runtime/memory/pretend.hpp"

#include <string>

namespace hearth::daemon {

/// What somebody wants to know: how a model would run, here or on a machine that is only described.
struct PlanQuestion {
    std::string
        model; ///< any reference; an installed model is planned from its files, any other from its source
    runtime::memory::Wishes wishes;
    runtime::memory::PretendedMachine machine; ///< empty: this one
    bool quick =
        false; ///< read 64 KiB of a header and no more: weights by file size, which layer has how much is a
               ///< guess
    bool insecure = false; ///< plain http to this registry
};

/// The body of POST /hearth/v1/plan. @throws Error invalid_argument naming the field
PlanQuestion parse_plan_question(const Json& body);

/// The members that a load understands too: `context`, `parallel`, `kv_type`, `load_mode`, `unified`, `gpu_layers`,
/// `device`, `embeddings`, `force`. @throws Error invalid_argument naming the field
runtime::memory::Wishes parse_wishes(const Json& body);

} // namespace hearth::daemon
