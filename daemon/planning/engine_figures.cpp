#include "daemon/planning/engine_figures.hpp"

#include "base/error.hpp"
#include "runtime/runner/runner.hpp"

namespace hearth::daemon {

namespace asio = boost::asio;
namespace memory = runtime::memory;

namespace {

/// Files of another quantization differ in their weights alone.
void take_weights(memory::Estimate& estimate, const registry::ModelShape& shape) {
    const bool alone = estimate.devices.size() == 1;
    if (!shape.exact_weights && alone) {
        memory::DeviceBytes& host = estimate.devices.front();
        host.weights = shape.weight_bytes();
        host.mapped = host.mapped > 0 ? host.weights : 0;
        host.repacked = 0;
    }
}

} // namespace

memory::Estimate EngineFigures::estimate(const registry::ModelShape& shape,
                                         const memory::EstimateOptions& options,
                                         const memory::Placement& placement,
                                         const std::vector<std::string>& accelerators) {
    if (shape.closed_form) {
        memory::Estimate estimate = memory::estimate(shape, options, placement, accelerators);
        if (layouts_ && options.load_mode == memory::LoadMode::repack && placement.gpu_layers == 0) {
            lay_out(options, estimate);
        }
        return estimate;
    }
    runtime::LoadSpec spec;
    runtime::apply_plan(spec, options, placement, accelerators);
    std::string key = runtime::settings_text(spec);
    const auto found = known_.find(key);
    if (found == known_.end()) {
        if (!open_) {
            open_ = Question{std::move(key), options, placement, accelerators};
        }
        throw Error(ErrorCode::unsupported, "the engine has not been asked yet");
    }
    if (const auto* failed = std::get_if<memory::DryRunFailed>(&found->second)) {
        throw Error(ErrorCode::unsupported, failed->reason);
    }
    memory::Estimate estimate = std::get<memory::Estimate>(found->second);
    take_weights(estimate, shape);
    return estimate;
}

/// Which matrices a CPU repacks, and whether a shared one is then there twice, only the engine knows; it is the
/// same for every context.
void EngineFigures::lay_out(const memory::EstimateOptions& options, memory::Estimate& estimate) {
    const auto found = layouts_->find(key_);
    if (found == layouts_->end()) {
        open_ = open_ ? open_ : std::optional(Question{"", options, {}, {}});
        return; // the closed form's own rule, until the answer is there
    }
    if (found->second) {
        memory::DeviceBytes& host = estimate.devices.front();
        host.weights = found->second->weights;
        host.mapped = found->second->mapped;
        host.repacked = found->second->repacked;
    }
}

asio::awaitable<bool> EngineFigures::ask() {
    if (!open_) {
        co_return false;
    }
    const Question asked = *std::exchange(open_, std::nullopt);
    memory::DryRunQuestion question;
    question.options = asked.options;
    question.placement = asked.placement;
    question.accelerators = asked.accelerators;
    question.files = co_await files_();
    memory::DryRunAnswer answer = co_await dry_run_.estimate(std::move(question));
    if (!asked.key.empty()) {
        known_.insert_or_assign(asked.key, std::move(answer));
        co_return true;
    }
    const auto* estimate = std::get_if<memory::Estimate>(&answer);
    const bool answered = estimate != nullptr && !estimate->devices.empty();
    layouts_->insert_or_assign(key_, answered ? std::optional(estimate->devices.front()) : std::nullopt);
    co_return true;
}

} // namespace hearth::daemon
