#pragma once

#include "daemon/handlers/known_trial.hpp"
#include "runtime/runner/plugin_manifest.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace hearth::daemon {

/// The variant of its engine that a backend uses now ("haswell"); empty when it has none, or does not start. Asks it in a process of
/// its own.
boost::asio::awaitable<std::string> variant_in_use(runtime::PluginManifest plugin);

/// What a trial runs on.
struct TrialSubject {
    runtime::PluginManifest plugin;
    std::string model; ///< as the scheduler calls it
};
/// @throws Error  backend_not_found, model_not_found
boost::asio::awaitable<TrialSubject> subject_of(Services& services, TrialRequest request);

/// After a trial that failed: tries the next variants of the backend's engine, best first. With the first that answers right
/// those before it are set aside for good, and what is loaded on them is unloaded. The one that failed is asked again first, on
/// the processor alone. Where that answers right, none does, or the engine has no variants, it is not the variants' fault: all
/// stays as it was, and what was loaded on a variant that was tried goes when nobody uses it. One search at a time: the caller holds the right to it.
/// @param variant  in use when it failed
/// @return the trial that passed, else `failed`, perhaps with more to say
boost::asio::awaitable<Trial> search_variant(Services& services, TrialRequest request, KnownAnswers known,
                                             Trial failed, std::string variant);

} // namespace hearth::daemon
