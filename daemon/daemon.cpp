#include "daemon/daemon.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/paths.hpp"
#include "daemon/app_tokens.hpp"
#include "daemon/config_keeper.hpp"
#include "daemon/default_models.hpp"
#include "daemon/doors.hpp"
#include "daemon/engine_variants.hpp"
#include "daemon/event_bus.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/handlers/services.hpp"
#include "daemon/http/activity.hpp"
#include "daemon/http/router.hpp"
#include "daemon/http/server.hpp"
#include "daemon/page_door.hpp"
#include "daemon/page_site.hpp"
#include "daemon/planning/planner.hpp"
#include "daemon/shipped_model.hpp"
#include "process/launcher.hpp"
#include "process/sandbox.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/catalog.hpp"
#include "registry/create/model_builder.hpp"
#include "registry/db/database.hpp"
#include "registry/measurements.hpp"
#include "registry/pull/fetch_client.hpp"
#include "registry/pull/hub_access.hpp"
#include "registry/pull/pull_engine.hpp"
#include "registry/pull/survey.hpp"
#include "registry/shape_reader.hpp"
#include "runtime/memory/machine_source.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "runtime/runner/spare_runner.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <malloc.h>

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::size_t disk_threads = 2;
constexpr auto drain_time = std::chrono::seconds(10);
constexpr auto spare_patience =
    std::chrono::seconds(2); // a load that waits longer starts its runner when it is its turn

std::filesystem::path api_path(const std::vector<http::ListenSocket>& sockets) {
    for (const http::ListenSocket& socket : sockets) {
        if (socket.access == http::Access::full) {
            return socket.path;
        }
    }
    return {};
}

http::Limits limits_of(const ServerConfig& config) {
    http::Limits limits;
    limits.connections_per_address = static_cast<std::size_t>(config.connections_per_address);
    return limits;
}

/// @throws Error bad_reference: a table of the configuration that can be no model's
void check_model_names(const Config& config) {
    for (const auto& [name, settings] : config.models) {
        try {
            registry::ModelRef::parse(name, config.default_registry);
        } catch (Error& error) {
            error.add_context(fmt::format("models.\"{}\" in the configuration", name));
            throw;
        }
    }
}

} // namespace

/// Members in the order of their dependencies: destruction is the reverse.
struct Daemon::Parts {
    Parts(asio::any_io_executor io, Inherited inherited)
        : executor(io), config(std::move(inherited.config)), sockets(std::move(inherited.sockets)),
          certificate(std::move(inherited.certificate)), disk(disk_threads), blobs(paths::data_dir()),
          database(blobs.data_dir() / "index.db"), catalog(database, blobs, disk, config.default_registry),
          launcher(io, std::move(inherited.launcher_socket), std::move(inherited.launcher)),
          fetcher(io, [this] { return launcher.start_fetch(); }),
          pulls(io, catalog, blobs, fetcher, disk, config.default_registry, pull_options()),
          builder(catalog, blobs, disk, config.default_registry),
          survey(fetcher, disk, registry::HubAccess::from_environment()), shapes(blobs, disk),
          spare(
              io,
              [io](runtime::PluginManifest plugin) { return runtime::start_runner(io, std::move(plugin)); },
              [] { return sleep_for(spare_patience); }),
          variants(io, disk, blobs.data_dir() / "variants.json"),
          scheduler(
              io, config, variants.apply(runtime::find_plugins(paths::plugin_dirs())),
              [this](registry::Model model) { return catalog.open_files(std::move(model)); },
              [this](const runtime::RuntimeEvent& event) { tell(event); }, scheduler_seams(io)),
          machine(io, config, scheduler.plugins(), disk, machine_seams(io)), measurements(database),
          history(io, measurements), planner(io, disk, planner_sources()),
          tokens(io, blobs.data_dir() / "tokens.json", disk,
                 [this](const std::string& id) { server.close_sessions(id); }),
          defaults(io, blobs.data_dir() / "defaults.json", disk),
          configuration(io, config, std::move(inherited.config_rows), disk, configuration_seams()),
          shipped(io, pulls, catalog, disk, blobs.data_dir() / "shipped.json"),
          page(io, page_site(), page_seams()), services(make_services()),
          server(io, router, limits_of(config.server)) {
        services.socket = api_path(sockets);
        services.data_dir = blobs.data_dir();
        services.sandbox = process::sandbox_description(process::SandboxProfile::core);
        check_model_names(config);
        add_routes(router, services);
        add_doors();
    }

    /// One for each TCP socket, in their order.
    void add_doors() {
        for (const http::ListenSocket& socket : sockets) {
            if (!socket.endpoint) {
                continue;
            }
            auto check = [this](std::string_view token) { return tokens.check(token); };
            const bool tls = speaks_tls(*socket.endpoint, config.server);
            doors.push_back(
                std::make_unique<http::Door>(*socket.endpoint, door_rules(*socket.endpoint, config.server),
                                             std::move(check), tls ? certificate.get() : nullptr));
            const http::Door& door = *doors.back();
            services.tcp.push_back({http::endpoint_text(*socket.endpoint),
                                    door.rules().anonymous == http::Anonymous::nothing, tls, describe(door)});
        }
    }

    void listen_unix(http::ListenSocket& socket) {
        log::info("daemon",
                  fmt::format("listening on {}{}", socket.path.string(),
                              socket.access == http::Access::infer ? " (inference and listing only)" : ""));
        server.listen(std::move(socket.fd), socket.access);
    }

    void listen_tcp(http::ListenSocket& socket, http::Door& door) {
        const std::string text =
            fmt::format("listening on {} ({})", http::endpoint_text(door.endpoint()), describe(door));
        if (door.rules().reach == http::Reach::network && door.certificate() == nullptr) {
            log::warning("daemon", text);
        } else {
            log::info("daemon", text);
        }
        server.listen(std::move(socket.fd), door);
    }

    /// RAM that the models hold for which `counts` is true.
    std::uint64_t held_bytes(bool (*counts)(const runtime::LoadedModel&)) const {
        std::uint64_t bytes = 0;
        for (const runtime::LoadedModel& model : scheduler.loaded()) {
            bytes += counts(model) ? model.size_bytes - std::min(model.size_bytes, model.size_vram_bytes) : 0;
        }
        return bytes;
    }

    Services make_services() {
        return {.config = config,
                .catalog = catalog,
                .blobs = blobs,
                .pulls = pulls,
                .builder = builder,
                .scheduler = scheduler,
                .machine = machine,
                .planner = planner,
                .history = history,
                .events = events,
                .workers = disk,
                .tokens = tokens,
                .defaults = defaults,
                .configuration = configuration,
                .shipped = shipped,
                .variants = variants,
                .page = page};
    }

    ConfigKeeper::Seams configuration_seams() {
        return {.check = check_model_names,
                .tell = [this](const std::string& type, const Json& data) { events.publish(type, data); }};
    }

    PageDoorSeams page_seams() {
        return {
            .listen = [this] { return launcher.listen_on_loopback(); },
            .serve = [this](UniqueFd socket, http::Door& door) { server.listen(std::move(socket), door); },
            .close = [this](const http::Door& door) { return server.close(door); },
            .is_used = [this](const http::Door& door) { return server.is_used(door); }};
    }

    registry::PullOptions pull_options() {
        registry::PullOptions options;
        options.hub = registry::HubAccess::from_environment();
        options.choose_quant = [this](registry::PublishedModel model) {
            return planner.choose_quant(std::move(model));
        };
        return options;
    }

    runtime::memory::MachineSourceSeams machine_seams(const asio::any_io_executor& io) {
        auto seams = runtime::memory::system_machine_seams(io, blobs.data_dir());
        seams.held = [this] { return held_bytes([](const runtime::LoadedModel&) { return true; }); };
        seams.busy = [this] {
            return std::ranges::any_of(scheduler.loaded(), [](const runtime::LoadedModel& model) {
                return model.active_requests > 0 || model.state != "ready";
            });
        };
        return seams;
    }

    runtime::SchedulerSeams scheduler_seams(asio::any_io_executor io) {
        runtime::SchedulerSeams seams = runtime::system_seams(std::move(io));
        seams.plan_load = [this](registry::Model model, runtime::PluginManifest plugin,
                                 runtime::LoadOptions options, runtime::MemoryRoom room) {
            return plan_load(std::move(model), std::move(plugin), std::move(options), room);
        };
        seams.start_runner = [this](runtime::PluginManifest plugin) { return spare.take(std::move(plugin)); };
        seams.on_loaded = [this](const runtime::LoadRecord& record) { history.note_load(record); };
        return seams;
    }

    /// The runner of a load that has a plan starts while others still make room for it.
    asio::awaitable<std::optional<runtime::LoadPlan>> plan_load(registry::Model model,
                                                                runtime::PluginManifest plugin,
                                                                runtime::LoadOptions options,
                                                                runtime::MemoryRoom room) {
        auto plan = co_await planner.plan_load(std::move(model), plugin, std::move(options), room);
        spare.prepare(std::move(plugin));
        co_return plan;
    }

    Planner::Sources planner_sources() {
        return {.config = config,
                .catalog = catalog,
                .shapes = shapes,
                .survey = survey,
                .history = history,
                .machine = [this] { return machine.machine(); },
                .idle_bytes =
                    [this] {
                        return held_bytes([](const runtime::LoadedModel& model) {
                            return model.active_requests == 0 && model.state == "ready";
                        });
                    },
                .plugins = scheduler.plugins()};
    }

    void tell(const runtime::RuntimeEvent& event) {
        Json data = {{"model", event.model}};
        if (!event.detail.empty()) {
            data["detail"] = event.detail;
        }
        if (event.ahead) { // somebody waits
            data["app"] = event.app;
            data["ahead"] = *event.ahead;
            data["reason"] = event.detail;
        }
        events.publish(event.type, std::move(data));
        if (event.type != "model.waiting") {
            machine.note_memory_moved();
        }
        if (event.type == "model.unloaded") {
            activity.touch();
            ::malloc_trim(0); // what its requests used goes back to the system
        }
    }

    asio::any_io_executor executor;
    Config config;
    std::vector<http::ListenSocket> sockets;
    std::unique_ptr<http::Certificate> certificate;
    EventBus events;
    http::Activity activity;
    BlockingPool disk;
    registry::BlobStore blobs;
    registry::Database database;
    registry::Catalog catalog;
    process::Launcher launcher;
    registry::FetchClient fetcher;
    registry::PullEngine pulls;
    registry::ModelBuilder builder;
    registry::Survey survey;
    registry::ShapeReader shapes;
    runtime::SpareRunner spare;
    EngineVariants variants;
    runtime::Scheduler scheduler;
    runtime::memory::MachineSource machine;
    registry::Measurements measurements;
    History history;
    Planner planner;
    AppTokens tokens;
    DefaultModels defaults;
    ConfigKeeper configuration;
    ShippedModel shipped;
    PageDoor page; // before the server, whose connections refer to its door
    Services services;
    http::Router router{activity};
    std::vector<std::unique_ptr<http::Door>> doors; // their addresses are in the server's connections
    http::Server server;
};

Daemon::Daemon(asio::any_io_executor executor, Inherited inherited)
    : parts_(std::make_unique<Parts>(std::move(executor), std::move(inherited))) {}

Daemon::~Daemon() = default;

asio::awaitable<void> Daemon::start() {
    co_await parts_->launcher.start();
    auto door = parts_->doors.begin();
    for (http::ListenSocket& socket : parts_->sockets) {
        if (socket.endpoint) {
            parts_->listen_tcp(socket, **door++);
        } else {
            parts_->listen_unix(socket);
        }
    }
    std::vector<std::string> names;
    for (const runtime::PluginManifest& plugin : parts_->scheduler.plugins()) {
        names.push_back(plugin.name);
    }
    log::info("daemon", fmt::format("backends: {}",
                                    names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
    parts_->configuration.start();
    parts_->shipped.start();
    ::malloc_trim(0);
}

asio::awaitable<void> Daemon::wait_until_idle(std::chrono::steady_clock::duration limit) {
    for (;;) {
        const bool page = parts_->page.endpoint().has_value(); // no browser can start us
        const bool busy = parts_->activity.running() > 0 || !parts_->scheduler.loaded().empty() || page;
        const auto idle = std::chrono::steady_clock::now() - parts_->activity.last_use();
        if (!busy && idle >= limit) {
            co_return;
        }
        co_await sleep_for(busy ? limit : limit - idle);
    }
}

std::string Daemon::summary() const {
    const std::size_t models = parts_->scheduler.loaded().size();
    const std::size_t requests = parts_->activity.running();
    return fmt::format("{} model{} loaded, {} request{}", models, models == 1 ? "" : "s", requests,
                       requests == 1 ? "" : "s");
}

asio::awaitable<void> Daemon::stop() {
    co_await parts_->server.stop_accepting(); // who comes now waits for, or starts, the next one
    parts_->events.close();
    co_await parts_->configuration.stop();
    co_await parts_->page.stop();
    co_await parts_->pulls.stop();
    co_await parts_->shipped.stop();
    co_await parts_->server.stop(drain_time);
    co_await parts_->machine.stop();
    co_await parts_->scheduler.stop();
    co_await parts_->spare.stop();
    co_await parts_->planner.stop();
    co_await parts_->history.stop();
    co_await parts_->tokens.stop();
    co_await parts_->fetcher.stop();
    co_await parts_->launcher.stop();
}

} // namespace hearth::daemon
