#include "runtime/host/host.hpp"

#include "base/error.hpp"
#include "runtime/host/measure.hpp"
#include "runtime/host/plugin_calls.hpp"
#include "runtime/host/quantize.hpp"
#include "runtime/host/read_ahead.hpp"
#include "runtime/host/spec_arguments.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace hearth::runtime {

namespace {

using process::wire::ServerStream;

int32_t send_event(void* context, hearth_str data) noexcept {
    try {
        return static_cast<ServerStream*>(context)->send({}, {data.ptr, data.len}) ? 0 : 1;
    } catch (...) {
        return 1;
    }
}

/// A request of the plugin: known to the slot and cancelled with its stream while it runs, freed at the end.
class RunningRequest {
  public:
    RunningRequest(const hearth_backend& backend, ModelSlot::Lease& lease, ServerStream& stream,
                   const std::string& operation)
        : backend_(backend), lease_(lease), stream_(stream) {
        hearth_error error = make_plugin_error();
        check(backend_.request_create(lease_.model(), borrowed(operation), borrowed(stream_.body()),
                                      &request_, &error),
              error);
        lease_.add(request_);
        stream_.on_cancel([this] { backend_.request_cancel(request_); });
    }
    ~RunningRequest() {
        stream_.on_cancel({});
        lease_.remove(request_);
        backend_.request_free(request_);
    }
    RunningRequest(const RunningRequest&) = delete;

    void run() {
        const hearth_sink sink{sizeof(hearth_sink), 0, &stream_, send_event};
        hearth_error error = make_plugin_error();
        check(backend_.request_run(request_, &sink, &error), error);
    }

  private:
    const hearth_backend& backend_;
    ModelSlot::Lease& lease_;
    ServerStream& stream_;
    hearth_request* request_ = nullptr;
};

Error unknown_operation(const std::string& operation) {
    return {ErrorCode::unsupported, fmt::format("the runner has no operation \"{}\"", operation)};
}

} // namespace

Host::Host(const hearth_backend& backend, ControlThread& control)
    : backend_(backend), control_(control), slot_(backend) {}

void Host::serve(ServerStream& stream) {
    const Json head = parse_json(stream.head(), "request to the runner");
    const std::string operation = require_string(head, "op");
    if (operation == "request") {
        request(stream, require_string(head, "operation"));
    } else if (operation == "load") {
        load(stream, head);
    } else if (operation == "estimate") {
        estimate(stream, head);
    } else if (operation == "measure") {
        std::string event;
        control_.run([&] { event = measure(backend_, head); });
        stream.end(event);
    } else if (operation.starts_with("quantize")) {
        quantize(stream, head, operation);
    } else if (operation == "info") {
        stream.end(info());
    } else if (operation == "unload") {
        control_.run([this] { slot_.empty(); });
        stream.end({});
    } else if (operation == "describe" || operation == "devices") {
        const auto call = operation == "describe" ? backend_.describe : backend_.devices;
        std::string event;
        control_.run([&] { event = collect(call); });
        stream.end(event);
    } else {
        throw unknown_operation(operation);
    }
}

void Host::request(ServerStream& stream, const std::string& operation) {
    ModelSlot::Lease lease(slot_);
    RunningRequest(backend_, lease, stream, operation).run();
}

void Host::estimate(ServerStream& stream, const Json& head) {
    const SpecArguments arguments(head, stream.take_fds());
    const hearth_load_spec spec = arguments.table();
    std::string event;
    control_.run([&] {
        event = collect([&](const hearth_sink* sink, hearth_error* error) {
            return backend_.estimate(&spec, sink, error);
        });
    });
    stream.end(event);
}

void Host::quantize(ServerStream& stream, const Json& head, const std::string& operation) {
    const Quantizing quantizing(backend_, stream);
    std::string event;
    control_.run([&] {
        event = operation == "quantize"         ? quantizing.run(head)
                : operation == "quantize_plan"  ? quantizing.plan(head)
                : operation == "quantize_types" ? quantizing.types()
                                                : throw unknown_operation(operation);
    });
    stream.end(event);
}

void Host::load(ServerStream& stream, const Json& head) {
    control_.run([&] { load_model(stream, head); });
    stream.end(info());
}

void Host::load_model(ServerStream& stream, const Json& head) {
    if (slot_.is_loaded()) {
        throw Error(ErrorCode::invalid_argument, "this runner holds a model already");
    }
    SpecArguments arguments(head, stream.take_fds());
    const hearth_load_spec spec = arguments.table();
    const hearth_progress progress{sizeof(hearth_progress), 0, &stream, send_progress};
    const ReadAhead ahead(arguments.fds);
    hearth_model* model = nullptr;
    hearth_error error = make_plugin_error();
    check(backend_.load(&spec, &progress, &model, &error), error, PluginCall::load);
    slot_.fill(model, std::move(arguments.fds));
}

std::string Host::info() {
    const ModelSlot::Lease lease(slot_);
    return collect([&](const hearth_sink* sink, hearth_error* error) {
        return backend_.info(lease.model(), sink, error);
    });
}

} // namespace hearth::runtime
