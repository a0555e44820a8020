#include "runtime/host/host.hpp"

#include "base/error.hpp"
#include "runtime/host/status_table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::runtime {

namespace {

using process::wire::ServerStream;

hearth_str borrowed(std::string_view text) {
    return {text.data(), text.size()};
}

void check(hearth_status status, const hearth_error& error, PluginCall call = PluginCall::other) {
    if (status != HEARTH_OK) {
        throw to_error(status, error, call);
    }
}

// What the plugin calls back must not throw into it: they answer "stop" instead.

int32_t collect_event(void* context, hearth_str data) noexcept {
    try {
        static_cast<std::string*>(context)->append(data.ptr, data.len);
        return 0;
    } catch (...) {
        return 1;
    }
}

int32_t send_event(void* context, hearth_str data) noexcept {
    try {
        return static_cast<ServerStream*>(context)->send({}, {data.ptr, data.len}) ? 0 : 1;
    } catch (...) {
        return 1;
    }
}

int32_t send_progress(void* context, const char* stage, float fraction) noexcept {
    try {
        auto* stream = static_cast<ServerStream*>(context);
        const Json tick = {{"stage", stage == nullptr ? "" : stage}, {"fraction", fraction}};
        return stream->send(to_text(tick), {}) ? 0 : 1;
    } catch (...) {
        return 1;
    }
}

/// A call that answers with one event.
template <class Call> std::string collect(Call call) {
    std::string event;
    const hearth_sink sink{sizeof(hearth_sink), 0, &event, collect_event};
    hearth_error error = make_plugin_error();
    check(call(&sink, &error), error);
    return event;
}

struct RoleName {
    std::string_view name;
    int32_t role;
};
constexpr std::array<RoleName, 5> role_names{{{"model", HEARTH_FILE_MODEL},
                                              {"mmproj", HEARTH_FILE_PROJECTOR},
                                              {"projector", HEARTH_FILE_PROJECTOR},
                                              {"adapter", HEARTH_FILE_ADAPTER},
                                              {"draft", HEARTH_FILE_DRAFT}}};

int32_t role_of(const Json& file) {
    const std::string name = get_string(file, "role").value_or("model");
    for (const RoleName& row : role_names) {
        if (row.name == name) {
            return row.role;
        }
    }
    throw Error(ErrorCode::invalid_argument, fmt::format("a model file cannot have the role \"{}\"", name));
}

/// The spec of a load or an estimate, and what it borrows.
struct SpecArguments {
    SpecArguments(const Json& head, std::vector<UniqueFd> descriptors);

    std::string spec;
    std::vector<UniqueFd> fds;
    std::vector<hearth_file> files;

    hearth_load_spec table() const {
        return {sizeof(hearth_load_spec), static_cast<uint32_t>(files.size()), files.data(), borrowed(spec)};
    }
};

SpecArguments::SpecArguments(const Json& head, std::vector<UniqueFd> descriptors)
    : fds(std::move(descriptors)) {
    spec = to_text(head.value("spec", Json::object()));
    const Json list = head.value("files", Json::array());
    if (!list.is_array() || list.size() != fds.size()) {
        throw Error(ErrorCode::invalid_argument, fmt::format("{} files are named, {} descriptors came",
                                                             list.is_array() ? list.size() : 0, fds.size()));
    }
    for (std::size_t index = 0; index < fds.size(); ++index) {
        const Json& file = list[index];
        files.push_back({.fd = fds[index].get(),
                         .role = role_of(file),
                         .size = static_cast<uint64_t>(get_integer(file, "size").value_or(0)),
                         .shard = static_cast<uint32_t>(get_integer(file, "shard").value_or(1)),
                         .of = static_cast<uint32_t>(get_integer(file, "of").value_or(1))});
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
        throw Error(ErrorCode::unsupported, fmt::format("the runner has no operation \"{}\"", operation));
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

void Host::shut_down() {
    control_.run([this] {
        slot_.empty();
        backend_.shutdown();
    });
}

} // namespace hearth::runtime
