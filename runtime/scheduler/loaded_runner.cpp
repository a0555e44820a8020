#include "runtime/scheduler/loaded_runner.hpp"

#include <algorithm>

namespace hearth::runtime {

namespace {

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

std::uint64_t LoadedRunner::reserved_bytes() const {
    return plan && admitted ? std::max(held_bytes(), need_bytes) : held_bytes();
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
    idle_since = clock.steady_now();
    expires.reset();
    expires_at.reset();
    if (keep_alive.count() >= 0) {
        expires = idle_since + std::chrono::duration_cast<std::chrono::steady_clock::duration>(keep_alive);
        expires_at = clock.now() + std::chrono::duration_cast<WallTime::duration>(keep_alive);
    }
}

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
    return row;
}

} // namespace hearth::runtime
