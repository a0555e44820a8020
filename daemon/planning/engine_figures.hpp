#pragma once

#include "registry/model.hpp"
#include "runtime/memory/dry_run.hpp"
#include "runtime/memory/fit.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hearth::daemon {

/// Sizes what the closed form does not know by the engine's dry run. The planner is a pure function that cannot
/// wait, so it is run again: what it asks for the first time is noted and refused, answered between two runs, and
/// known in the next. One object for one plan.
class EngineFigures {
  public:
    /// Opens the model's files, or their probes, anew for each question.
    using Files = std::function<boost::asio::awaitable<std::vector<registry::OpenModelFile>>()>;

    /// How an engine lays the weights of one model out in RAM when it repacks them, by Model::files_key. nullopt: it
    /// could not say.
    using Layouts = std::map<std::string, std::optional<runtime::memory::DeviceBytes>>;

    /// @param layouts  outlives the object; nullptr: the closed form's own rule about repacking will do
    /// @param key      of the model in `layouts`
    EngineFigures(runtime::memory::DryRun& dry_run, Files files, Layouts* layouts = nullptr,
                  std::string key = {})
        : dry_run_(dry_run), files_(std::move(files)), layouts_(layouts), key_(std::move(key)) {}

    /// The closed form where it knows the architecture, else what the engine has said.
    runtime::memory::Estimate estimate(const registry::ModelShape& shape,
                                       const runtime::memory::EstimateOptions& options,
                                       const runtime::memory::Placement& placement,
                                       const std::vector<std::string>& accelerators);

    /// Answers what is open. @return was there anything
    boost::asio::awaitable<bool> ask();
    bool used() const noexcept { return !known_.empty(); }

  private:
    struct Question {
        std::string key; ///< empty: about the layout of the weights
        runtime::memory::EstimateOptions options;
        runtime::memory::Placement placement;
        std::vector<std::string> accelerators;
    };

    void lay_out(const runtime::memory::EstimateOptions& options, runtime::memory::Estimate& estimate);

    runtime::memory::DryRun& dry_run_;
    Files files_;
    Layouts* layouts_;
    std::string key_;
    std::map<std::string, runtime::memory::DryRunAnswer> known_; ///< by settings
    std::optional<Question> open_;
};

} // namespace hearth::daemon
