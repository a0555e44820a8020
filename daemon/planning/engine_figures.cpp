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
        return memory::estimate(shape, options, placement, accelerators);
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
    known_.insert_or_assign(asked.key, std::move(answer));
    co_return true;
}

} // namespace hearth::daemon
