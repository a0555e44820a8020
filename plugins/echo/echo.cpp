/// The C border of the echo backend: the table, and nothing that throws across it.
#include "plugins/abi/hearth_backend.h"
#include "plugins/echo/model.hpp"
#include "plugins/echo/request.hpp"

#include <memory>
#include <string_view>

// The ABI's opaque types are ours to define.
struct hearth_model {
    hearth::echo::Model model;
    hearth_model(const hearth_load_spec& spec, const hearth_progress* progress) : model(spec, progress) {}
};
struct hearth_request {
    hearth::echo::Request request;
    hearth_request(hearth::echo::Model& model, std::string operation, const hearth::echo::Json& body)
        : request(model, std::move(operation), body) {}
};

namespace {

using hearth::echo::Failure;
using hearth::echo::Json;

/// Runs `work`; whatever it throws becomes a status.
template <class Work> hearth_status guarded(hearth_error* error, Work work) {
    return hearth::sdk::guarded(error, work, [](std::string text) { return text; });
}

void emit(const hearth_sink* sink, const Json& event) {
    const std::string text = event.dump();
    const hearth_str data = {text.data(), text.size()};
    if (sink->write(sink->context, data) != 0) {
        throw Failure(HEARTH_E_CANCELLED, "nobody listens");
    }
}

hearth_status init(const hearth_host* host, hearth_str config, hearth_error* error) {
    return guarded(error, [&] {
        hearth::sdk::check_host(host);
        hearth::echo::parse_object(config, "the configuration");
        const std::string_view line = "echo is ready";
        host->log(host->context, HEARTH_LOG_DEBUG, {line.data(), line.size()});
    });
}

void shutdown() {}

hearth_status describe(const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] {
        const Json integer = {{"type", "integer"}};
        Json properties = Json::object();
        for (const char* name :
             {"echo_delay_ms", "echo_repeat", "echo_fail_after", "echo_crash_after", "echo_hang_after",
              "echo_load_delay_ms", "echo_load_fail", "echo_memory_bytes"}) {
            properties[name] = integer;
        }
        emit(sink, {{"operations", hearth::echo::operation_names()},
                    {"formats", Json::array()},
                    {"engine", {{"name", "echo"}, {"version", "1.0"}}},
                    {"options", {{"type", "object"}, {"properties", properties}}}});
    });
}

hearth_status devices(const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] {
        const Json cpu = {{"id", "cpu"},
                          {"kind", "cpu"},
                          {"description", "no engine"},
                          {"total_bytes", 0},
                          {"free_bytes", 0}};
        emit(sink, {{"devices", Json::array({cpu})}});
    });
}

hearth_status estimate(const hearth_load_spec* spec, const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] {
        const Json json = hearth::echo::parse_object(spec->spec, "the load spec");
        hearth::echo::misbehave_in_estimate(json.value("options", Json::object()));
        std::uint64_t weights = 0;
        for (std::uint32_t i = 0; i < spec->file_count; ++i) {
            weights += spec->files[i].size;
        }
        const Json cpu = {{"weights", weights}, {"kv", 0}, {"state", 0}, {"compute", 0}, {"output", 0}};
        emit(sink, {{"total_bytes", weights}, {"devices", {{"cpu", cpu}}}});
    });
}

hearth_status load(const hearth_load_spec* spec, const hearth_progress* progress, hearth_model** model,
                   hearth_error* error) {
    *model = nullptr;
    return guarded(error, [&] { *model = new hearth_model(*spec, progress); });
}

void unload(hearth_model* model) {
    if (model) {
        model->model.cancel_all_and_wait();
        delete model;
    }
}

hearth_status info(hearth_model* model, const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] { emit(sink, model->model.info()); });
}

hearth_status request_create(hearth_model* model, hearth_str operation, hearth_str body,
                             hearth_request** request, hearth_error* error) {
    *request = nullptr;
    return guarded(error, [&] {
        const Json parsed = hearth::echo::parse_object(body, "the request body");
        *request = new hearth_request(model->model, std::string(operation.ptr, operation.len), parsed);
    });
}

hearth_status request_run(hearth_request* request, const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] { request->request.run(*sink); });
}

void request_cancel(hearth_request* request) {
    request->request.cancel();
}

void request_free(hearth_request* request) {
    delete request;
}

const void* get_extension(const char*) {
    return nullptr;
}

const hearth_backend table = {
    .abi_version = HEARTH_ABI_VERSION,
    .struct_size = sizeof(hearth_backend),
    .name = "echo",
    .version = "1.0",
    .init = init,
    .shutdown = shutdown,
    .describe = describe,
    .devices = devices,
    .estimate = estimate,
    .load = load,
    .unload = unload,
    .info = info,
    .request_create = request_create,
    .request_run = request_run,
    .request_cancel = request_cancel,
    .request_free = request_free,
    .get_extension = get_extension,
};

} // namespace

extern "C" const hearth_backend* hearth_backend_get(uint32_t host_abi_version) {
    return host_abi_version >= HEARTH_ABI_VERSION ? &table : nullptr;
}
