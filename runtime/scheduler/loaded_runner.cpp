#include "runtime/scheduler/loaded_runner.hpp"

#include "runtime/scheduler/device_room.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearth::runtime {

namespace {

/// Of a device in a backend's report.
constexpr auto memory_parts =
    std::to_array({"weights", "kv", "compute", "state", "output", "projector", "draft"});

std::uint64_t unsigned_or_zero(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// A member that is an object, else an empty one: what a plugin says is input.
const Json& object_or_empty(const Json& object, const char* key) {
    static const Json empty = Json::object();
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() && found->is_object() ? *found : empty;
}

const char* state_name(LoadedRunner::State state) {
    switch (state) {
    case LoadedRunner::State::waiting:
        return "waiting";
    case LoadedRunner::State::loading:
        return "loading";
    case LoadedRunner::State::ready:
        return "ready";
    default:
        return "stopping";
    }
}

} // namespace

bool LoadedRunner::has_name(const std::string& name) const {
    return std::ranges::find(names, name) != names.end();
}

void LoadedRunner::add_name(const std::string& name) {
    std::erase(names, name);
    names.push_back(name);
}

std::int64_t LoadedRunner::context_tokens() const {
    const auto reported = static_cast<std::int64_t>(unsigned_or_zero(info, "context"));
    return reported > 0 ? reported : spec.context_tokens;
}

std::int64_t LoadedRunner::largest_context() const {
    return std::max(spec.context_tokens, context_tokens());
}

int LoadedRunner::most_sequences() const {
    return std::max(spec.parallel, options.parallel.value_or(0));
}

bool LoadedRunner::is_loaded_by(memory::LoadMode mode) const {
    return spec.load_mode == mode || options.load_mode == mode;
}

memory::CacheType LoadedRunner::kv_type() const {
    return spec.kv_type.value_or(options.kv_type.value_or(memory::CacheType::f16));
}

std::uint64_t LoadedRunner::held_bytes() const {
    const std::uint64_t reported = unsigned_or_zero(object_or_empty(info, "memory"), "total_bytes");
    return reported > 0 ? reported : admitted ? need_bytes : 0;
}

DeviceBytes LoadedRunner::planned() const {
    DeviceBytes bytes = plan ? plan->accelerator_bytes : DeviceBytes();
    bytes[host_device] = need_bytes;
    return bytes;
}

DeviceBytes LoadedRunner::reserved() const {
    DeviceBytes held{{host_device, held_bytes()}};
    for (const auto& [id, device] : object_or_empty(object_or_empty(info, "memory"), "devices").items()) {
        // A device that shares the host's memory is the host's to the planner.
        const bool own = id != host_device && (!plan || plan->accelerator_bytes.contains(id));
        for (const char* part : memory_parts) {
            const std::uint64_t bytes = own ? unsigned_or_zero(device, part) : 0;
            held[id] += bytes;
            held[host_device] -= std::min(held[host_device], bytes);
        }
    }
    std::erase_if(held, [](const auto& item) { return item.first != host_device && item.second == 0; });
    return plan && admitted ? larger(held, planned()) : held;
}

std::uint64_t LoadedRunner::private_bytes() const {
    const Json& host =
        object_or_empty(object_or_empty(object_or_empty(info, "memory"), "devices"), host_device);
    const std::uint64_t mapped = unsigned_or_zero(host, "mapped");
    std::uint64_t bytes = 0;
    for (const char* part : memory_parts) {
        bytes += unsigned_or_zero(host, part);
    }
    return bytes - std::min(bytes, mapped);
}

std::uint64_t LoadedRunner::vram_bytes() const {
    std::uint64_t bytes = 0;
    for (const Json& device : object_or_empty(object_or_empty(info, "memory"), "devices")) {
        if (device.is_object() && device.value("kind", Json()) == "gpu") {
            for (const char* part : {"weights", "kv", "compute", "state", "output"}) {
                bytes += unsigned_or_zero(device, part);
            }
        }
    }
    return bytes;
}

void LoadedRunner::set_idle(const Clock& clock) {
    constexpr std::chrono::nanoseconds for_ever = std::chrono::years(100); // the clock ends some time after
    expires_at.reset();
    if (keep_alive.count() >= 0 && keep_alive < for_ever) {
        expires_at = clock.now() + std::chrono::duration_cast<WallTime::duration>(keep_alive);
    }
}

namespace {

/// Why an idle model is here.
std::string kept(const LoadedRunner& runner) {
    return runner.expires_at
               ? fmt::format("kept until {:%H:%M:%S}",
                             fmt::localtime(std::chrono::system_clock::to_time_t(*runner.expires_at)))
               : "kept for ever";
}

std::string in_use(const LoadedRunner& runner) {
    return fmt::format("in use by {} request{}", runner.leases, runner.leases == 1 ? "" : "s");
}

} // namespace

LoadedModel LoadedRunner::row() const {
    LoadedModel row;
    row.name = name();
    row.model = model;
    row.backend = plugin.name;
    row.context_tokens = context_tokens();
    row.size_bytes = held_bytes();
    row.size_vram_bytes = vram_bytes();
    row.plan = plan ? plan->text : "";
    if (state == State::ready && !busy()) {
        row.expires_at = expires_at;
    }
    row.active_requests = leases;
    row.pid = runner ? runner->pid() : -1;
    row.state = state_name(state);
    row.bytes = reserved();
    std::erase_if(row.bytes, [](const auto& item) { return item.second == 0; });
    row.users = users;
    row.reason = state == State::stopping ? stop_reason
                 : state != State::ready  ? ""
                 : busy()                 ? in_use(*this)
                                          : kept(*this);
    return row;
}

} // namespace hearth::runtime
