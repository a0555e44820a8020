#pragma once

#include "base/async/blocking.hpp"
#include "base/config.hpp"
#include "daemon/planning/candidates.hpp"
#include "daemon/planning/engine_figures.hpp"
#include "daemon/planning/history.hpp"
#include "daemon/planning/plan_question.hpp"
#include "registry/catalog.hpp"
#include "registry/shape_reader.hpp"
#include "runtime/memory/device.hpp"
#include "runtime/memory/fit.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace hearth::daemon {

/// What `plan` answers, before it becomes JSON.
struct PlanAnswer {
    std::string model{}; ///< full name
    bool installed = false;
    std::uint64_t header_bytes = 0; ///< read to find out
    runtime::memory::Plan plan{};
    runtime::memory::Machine machine{};
};

/// Brings together what a model needs (registry) and what the machine has (runtime): for the question before a
/// download, for the choice of a quantization, and for every load. Owned by the daemon; on the io executor.
class Planner {
  public:
    using MachineReader = std::function<boost::asio::awaitable<runtime::memory::Machine>()>;

    /// What it works with; everything outlives the planner.
    struct Sources {
        const Config& config;
        registry::Catalog& catalog;
        registry::ShapeReader& shapes;
        registry::Survey& survey;
        History& history;
        MachineReader machine;
        std::function<std::uint64_t()> idle_bytes; ///< of RAM, held by models that any load may end
        const std::vector<runtime::PluginManifest>& plugins;
    };
    Planner(boost::asio::any_io_executor executor, BlockingPool& disk, Sources sources);

    /// @throws Error  bad_reference, model_not_found, registry_*; model_invalid; invalid_argument for wishes out
    /// of range
    boost::asio::awaitable<PlanAnswer> plan(PlanQuestion question);

    /// The tag of the quantization to pull when nobody named one.
    /// @throws Error  memory_insufficient: none fits above the quality floor, with what would
    boost::asio::awaitable<std::string> choose_quant(registry::PublishedModel model);

    /// How to load an installed model with the memory that can be had.
    /// @throws Error  memory_insufficient, with the nearest plans that fit
    boost::asio::awaitable<std::optional<runtime::LoadPlan>> plan_load(registry::Model model,
                                                                       runtime::PluginManifest plugin,
                                                                       runtime::LoadOptions options,
                                                                       runtime::MemoryRoom room);

    /// Ends the engine's dry run, if one is under way.
    boost::asio::awaitable<void> stop();

  private:
    boost::asio::awaitable<runtime::memory::Plan> fit_modestly(const Candidates& candidates,
                                                               runtime::memory::Wishes wishes,
                                                               const runtime::memory::Machine& machine,
                                                               EngineFigures figures);
    boost::asio::awaitable<runtime::memory::Plan> fit_in_half(const Candidates& candidates,
                                                              runtime::memory::Wishes wishes,
                                                              const runtime::memory::Machine& machine,
                                                              EngineFigures& figures);
    boost::asio::awaitable<runtime::memory::Plan> fit_once(const Candidates& candidates,
                                                           const runtime::memory::Wishes& wishes,
                                                           const runtime::memory::Machine& machine,
                                                           EngineFigures& figures);
    EngineFigures figures_of(registry::Model model);
    EngineFigures figures_of(registry::PublishedModel model, std::string tag);
    boost::asio::awaitable<std::vector<registry::OpenModelFile>> open_probes(registry::Model model);
    boost::asio::awaitable<std::vector<registry::OpenModelFile>> fetch_probes(registry::PublishedModel model,
                                                                              std::string tag);
    boost::asio::awaitable<runtime::memory::Machine> machine();
    const runtime::PluginManifest& engine() const;
    boost::asio::awaitable<PlanAnswer> plan_installed(registry::Model model, PlanQuestion question);
    boost::asio::awaitable<PlanAnswer> plan_published(PlanQuestion question);
    boost::asio::awaitable<registry::PublishedModel> look(registry::ModelRef ref, bool insecure);
    void add_defaults(runtime::memory::Wishes& wishes) const;

    BlockingPool& disk_;
    Sources sources_;
    runtime::memory::DryRun dry_run_;
    int planning_ = 0;               ///< plans under way, which may ask it
    EngineFigures::Layouts layouts_; ///< of installed models, as far as they were planned
};

} // namespace hearth::daemon
