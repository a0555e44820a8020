#include "daemon/handlers/inference.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "daemon/event_bus.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/progress.hpp"
#include "registry/catalog.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

const runtime::PluginManifest& plugin_named(const runtime::Scheduler& scheduler, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& plugin : scheduler.plugins()) {
        if (plugin.name == name) {
            return plugin;
        }
        names.push_back(plugin.name);
    }
    throw Error(ErrorCode::backend_not_found, "there is no backend " + name,
                names.empty() ? "no backend plugin is installed"
                              : fmt::format("installed: {}", fmt::join(names, ", ")));
}

/// What the configuration says for the app that asks.
template <class Value>
std::optional<Value> configured_for_app(const Services& services, const Target& target,
                                        std::optional<Value> ConfigOverrides::* member) {
    const auto found = services.config.apps.find(target.app.name);
    return found == services.config.apps.end() ? std::nullopt : found->second.*member;
}

/// What it says for the model, in any form of its name.
template <class Value>
std::optional<Value> configured_for_model(const Services& services, const Target& target,
                                          std::optional<Value> ConfigOverrides::* member) {
    for (const auto& [name, model] : services.config.models) {
        const bool meant = target.model ? services.catalog.means(name, *target.model) : name == target.name;
        if (meant && model.*member) {
            return model.*member;
        }
    }
    return std::nullopt;
}

/// People at the desktop hear of it too, not only the app whose request was refused.
void tell_if_memory_is_low(Services& services, const std::string& model, const Error& error) {
    if (error.code() == ErrorCode::memory_insufficient) {
        services.events.publish("memory.low",
                                {{"model", model}, {"reason", error.what()}, {"hint", error.hint()}});
    }
}

template <class Value>
std::optional<Value> configured(const Services& services, const Target& target,
                                std::optional<Value> ConfigOverrides::* member) {
    const auto app = configured_for_app(services, target, member);
    return app ? app : configured_for_model(services, target, member);
}

/// Fills in what neither the request nor the model's own parameters say.
void apply_configured(const Services& services, const Target& target, runtime::LoadOptions& load) {
    if (!load.context_tokens) {
        load.context_tokens = configured(services, target, &ConfigOverrides::context_tokens);
    }
    if (!load.parallel) {
        load.parallel = configured(services, target, &ConfigOverrides::parallel);
    }
}

asio::awaitable<void> acquire_into(Lease& lease, Services& services, Target target, runtime::LoadOptions load,
                                   std::optional<std::chrono::nanoseconds> keep_alive,
                                   std::shared_ptr<LineQueue> lines) {
    lease = co_await acquire(services, std::move(target), std::move(load), keep_alive, std::move(lines));
}

} // namespace

const std::string& Target::parameters() const {
    static const std::string none;
    return model ? model->parameters_json : none;
}

asio::awaitable<Target> find_target(Services& services, std::string name, std::string backend,
                                    http::App app) {
    const std::string wanted =
        backend.empty() ? services.config.backend : backend; // the configuration may change meanwhile
    Target target;
    name = co_await real_name(services, std::move(name), app);
    target.shown = name;
    target.app = std::move(app);
    if (!wanted.empty() && !plugin_named(services.scheduler, wanted).needs_model()) {
        target.name = std::move(name);
        co_return target;
    }
    target.model = co_await services.catalog.get(std::move(name));
    target.name = target.model->ref.short_name();
    co_return target;
}

std::optional<bool> has_capability(const Target& target, std::string_view capability) {
    if (!target.model || target.model->capabilities.empty()) {
        return std::nullopt;
    }
    const std::vector<std::string>& has = target.model->capabilities;
    return std::ranges::find(has, capability) != has.end();
}

void require_capability(const Target& target, std::string_view capability, std::string_view what) {
    if (!has_capability(target, capability).value_or(true)) {
        throw Error(ErrorCode::unsupported, fmt::format("\"{}\" does not support {}", target.name, what),
                    fmt::format("it has: {}", fmt::join(target.model->capabilities, ", ")));
    }
}

Options options_of(const Target& target, const CommonFields& common) {
    Options options = parse_options(layer_options(target.parameters(), common.options));
    options.load.backend = common.backend;
    return options;
}

std::optional<std::chrono::nanoseconds> usual_keep_alive(const Services& services, const Target& target) {
    if (const auto app = configured_for_app(services, target, &ConfigOverrides::keep_alive)) {
        return app;
    }
    const Json parameters = Json::parse(target.parameters(), nullptr, false);
    std::optional<std::chrono::nanoseconds> own;
    try {
        own = parameters.is_object() ? keep_alive_field(parameters) : std::nullopt;
    } catch (const Error& error) {
        log::warning("daemon", std::string("a model's own parameters: ") + error.what());
    }
    return own ? own : configured_for_model(services, target, &ConfigOverrides::keep_alive);
}

runtime::LoadOptions model_load_options(const Target& target, const std::string& backend) {
    runtime::LoadOptions load = parse_options(layer_options(target.parameters(), Json())).load;
    load.backend = backend;
    return load;
}

asio::awaitable<Lease> acquire(Services& services, Target target, runtime::LoadOptions load,
                               std::optional<std::chrono::nanoseconds> keep_alive,
                               std::shared_ptr<LineQueue> lines) {
    runtime::AcquireRequest request;
    request.usual_keep_alive = usual_keep_alive(services, target);
    apply_configured(services, target, load);
    if (lines) {
        request.on_wait = [lines](const runtime::Place& place) {
            lines->push({{"status", "waiting"}, {"ahead", place.ahead}, {"reason", place.reason}}, "waiting");
        };
        request.on_progress = [lines](const std::string& stage, double fraction) {
            lines->push({{"status", "loading"}, {"stage", stage}, {"fraction", fraction}}, stage);
        };
    }
    request.app = std::move(target.app.name);
    request.model = std::move(target.model);
    request.name = std::move(target.name);
    request.options = std::move(load);
    request.keep_alive = keep_alive;
    const std::string name = request.name;
    try {
        co_return co_await services.scheduler.acquire(std::move(request));
    } catch (const Error& error) {
        tell_if_memory_is_low(services, name, error);
        throw;
    }
}

asio::awaitable<Lease> acquire_telling(Services& services, Target target, runtime::LoadOptions load,
                                       CommonFields common, http::ResponseWriter& out) {
    if (!common.progress) {
        co_return co_await acquire(services, std::move(target), std::move(load), common.keep_alive, nullptr);
    }
    auto lines = std::make_shared<LineQueue>(
        co_await asio::this_coro::executor); // shared with the scheduler's callbacks
    Lease lease;
    co_await write_progress(
        out, lines,
        acquire_into(lease, services, std::move(target), std::move(load), common.keep_alive, lines));
    co_return lease;
}

asio::awaitable<std::string> load_or_unload(Services& services, Target target, CommonFields common,
                                            http::ResponseWriter& out) {
    if (common.keep_alive && common.keep_alive->count() == 0) {
        services.scheduler.set_keep_alive(target.name, std::chrono::nanoseconds(0));
        co_return "unload";
    }
    Options options = options_of(target, common);
    const Lease lease =
        co_await acquire_telling(services, std::move(target), std::move(options.load), common, out);
    co_return "load";
}

asio::awaitable<Json> run_single(runtime::RunnerLease& lease, std::string operation, std::string body) {
    const std::string name = operation;
    auto stream = co_await lease.request(std::move(operation), std::move(body));
    std::optional<std::string> first;
    while (auto event = co_await stream->next()) {
        if (!first) {
            first = std::move(event);
        }
    }
    Json value = first ? Json::parse(*first, nullptr, false) : Json();
    if (!value.is_object()) {
        throw Error(ErrorCode::backend_failed, "the backend gave no result for \"" + name + "\"");
    }
    co_return value;
}

} // namespace hearth::daemon
