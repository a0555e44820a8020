#include "daemon/handlers/variant_search.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "daemon/engine_variants.hpp"
#include "daemon/handlers/inference.hpp"
#include "runtime/memory/machine_source.hpp"
#include "runtime/runner/ask_once.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr int most_variants = 32;
constexpr auto patience = std::chrono::seconds(10);

/// Puts a backend back as it was, unless the search has found something better.
class TriedPlugin {
  public:
    TriedPlugin(runtime::Scheduler& scheduler, runtime::PluginManifest before)
        : scheduler_(scheduler), before_(before), tried_(std::move(before)) {}
    ~TriedPlugin() {
        if (!kept_) {
            scheduler_.replace_plugin(before_);
            scheduler_.release_replaced();
        }
    }
    TriedPlugin(const TriedPlugin&) = delete;

    void pass_over(int variants) {
        tried_.passed_over = variants;
        scheduler_.replace_plugin(tried_);
    }
    void keep() { kept_ = true; }
    const runtime::PluginManifest& tried() const { return tried_; }

  private:
    runtime::Scheduler& scheduler_;
    runtime::PluginManifest before_;
    runtime::PluginManifest tried_;
    bool kept_ = false;
};

/// What runs on a variant that computes wrong is of no use to anybody.
asio::awaitable<void> unload_others(Services& services, TrialSubject subject) {
    for (const runtime::LoadedModel& loaded : services.scheduler.loaded()) {
        if (loaded.backend == subject.plugin.name && loaded.name != subject.model) {
            co_await services.scheduler.unload(loaded.name);
        }
    }
}

asio::awaitable<Trial> ask_anew(Services& services, TrialRequest request, std::string model,
                                KnownAnswers known) {
    co_await services.scheduler.unload(std::move(model));
    Trial trial = co_await ask_known(services, std::move(request), std::move(known));
    co_return trial;
}

/// Another trial of the same variant, on the processor alone: what failed may have been an accelerator, or a process that
/// somebody killed. @return what that trial says of the first; nullopt: it failed again
asio::awaitable<std::optional<Trial>> explain(Services& services, TrialRequest request, TrialSubject subject,
                                              KnownAnswers known, Trial failed) {
    Trial again = co_await ask_anew(services, std::move(request), subject.model, std::move(known));
    if (!again.verdict.passed()) {
        co_return std::nullopt;
    }
    const runtime::memory::MachineReport report = co_await services.machine.report();
    if (report.machine.accelerators.empty()) {
        log::warning("daemon", fmt::format("{} failed its self-test once and passed it then: {}",
                                           subject.plugin.name, failed.verdict.fault));
        co_return again;
    }
    co_await services.scheduler.unload(subject.model); // or others got it without the accelerator
    failed.verdict.fault += "; on the processor alone it computes right";
    co_return failed;
}

/// Nothing is passed over again where not even what the record leaves can be started: then the record is wrong.
bool begins_anew(const TrialSubject& subject, const Trial& failed, const std::string& variant) {
    return subject.plugin.passed_over > 0 && variant.empty() && failed.backend.empty();
}

/// For everybody from now on.
asio::awaitable<void> use(Services& services, TrialSubject subject, runtime::PluginManifest plugin,
                          std::vector<runtime::SetAside> aside) {
    services.machine.replace_plugin(plugin);
    co_await services.variants.keep(std::move(plugin), std::move(aside));
    co_await unload_others(services, std::move(subject));
}

} // namespace

asio::awaitable<std::string> variant_in_use(runtime::PluginManifest plugin) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    auto start = [executor](runtime::PluginManifest wanted) {
        return runtime::start_runner(executor, std::move(wanted));
    };
    try {
        const Json head = {{"op", "describe"}};
        std::string text = to_text(head);
        const Json answer =
            co_await runtime::ask_once(std::move(start), std::move(plugin), std::move(text), patience);
        co_return get_string(answer.value("engine", Json::object()), "variant").value_or("");
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
    }
    co_return std::string();
}

asio::awaitable<TrialSubject> subject_of(Services& services, TrialRequest request) {
    const Target target = co_await find_target(services, request.model, request.backend, request.app);
    const std::string wanted = request.backend.empty() ? services.config.backend : request.backend;
    for (const runtime::PluginManifest& plugin : services.scheduler.plugins()) {
        const bool reads = target.model && std::ranges::find(plugin.formats, target.model->details.format) !=
                                               plugin.formats.end();
        if (wanted.empty() ? reads : plugin.name == wanted) {
            co_return TrialSubject{plugin, target.name};
        }
    }
    throw Error(ErrorCode::backend_not_found, "no backend runs " + request.model);
}

asio::awaitable<Trial> search_variant(Services& services, TrialRequest request, KnownAnswers known,
                                      Trial failed, std::string variant) {
    const TrialSubject subject = co_await subject_of(services, request);
    request.gpu_layers = 0; // a variant is one of the processor's
    if (std::optional<Trial> explained = co_await explain(services, request, subject, known, failed)) {
        co_return std::move(*explained);
    }
    if (variant.empty() && !failed.backend.empty()) { // it runs, and its engine has no variants
        co_return failed;
    }
    std::vector<runtime::SetAside> aside = services.variants.set_aside(subject.plugin.name);
    TriedPlugin plugin(services.scheduler, subject.plugin);
    std::string why = failed.verdict.fault;
    int passed_over = subject.plugin.passed_over + 1;
    if (begins_anew(subject, failed, variant)) {
        aside.clear();
        passed_over = 0;
    }
    for (; passed_over < most_variants; ++passed_over) {
        if (passed_over > 0) {
            aside.push_back({variant, why, to_rfc3339(system_clock().now())});
        }
        plugin.pass_over(passed_over);
        variant = co_await variant_in_use(plugin.tried());
        Trial trial = co_await ask_anew(services, request, subject.model, known);
        if (trial.verdict.passed() && !variant.empty()) {
            log::warning("daemon", fmt::format("{} uses the variant {} of its engine from now on: {}",
                                               subject.plugin.name, variant, failed.verdict.fault));
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation()); // done whole
            plugin.keep();
            co_await use(services, subject, plugin.tried(), std::move(aside));
            co_return trial;
        }
        why = trial.verdict.fault;
    }
    co_return failed;
}

} // namespace hearth::daemon
