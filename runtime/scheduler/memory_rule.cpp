#include "runtime/scheduler/memory_rule.hpp"

#include "base/config.hpp"
#include "runtime/memory/available.hpp"
#include "runtime/scheduler/device_room.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace hearth::runtime {

namespace {

constexpr std::uint64_t mebibyte = 1u << 20;
constexpr std::uint64_t tiny_model_bytes = 64 * mebibyte;
constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

std::uint64_t minus(std::uint64_t from, std::uint64_t what) {
    return from > what ? from - what : 0;
}

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
    return a > no_limit - b ? no_limit : a + b;
}

std::uint64_t held(const MemoryState& state, Holder::Kind kind) {
    std::uint64_t sum = 0;
    for (const Holder& holder : state.holders) {
        sum = holder.kind == kind ? plus(sum, holder.bytes) : sum;
    }
    return sum;
}

} // namespace

std::uint64_t estimate_need_bytes(const std::vector<registry::ModelFile>& files) {
    std::uint64_t bytes = 0;
    for (const registry::ModelFile& file : files) {
        bytes = plus(bytes, file.size_bytes);
    }
    if (bytes == 0) {
        return 0;
    }
    if (bytes < tiny_model_bytes) {
        return bytes * 2 + 64 * mebibyte;
    }
    return plus(plus(bytes, bytes / 10), 256 * mebibyte);
}

std::uint64_t free_bytes(const MemoryState& state) {
    // What is being loaded will be missing soon, though the system still calls it available.
    const std::uint64_t loading = held(state, Holder::Kind::loading);
    const std::uint64_t in_system = minus(state.available_bytes, loading);
    if (!state.limit_bytes) {
        return in_system;
    }
    const std::uint64_t ours =
        plus(plus(loading, held(state, Holder::Kind::busy)), held(state, Holder::Kind::idle));
    return std::min(in_system, minus(*state.limit_bytes, ours));
}

MemoryRoom room(const MemoryState& state) {
    const std::uint64_t loading = held(state, Holder::Kind::loading);
    MemoryRoom room;
    room.system_bytes = minus(plus(state.available_bytes, held(state, Holder::Kind::idle)), loading);
    if (state.limit_bytes) {
        room.limit_bytes = minus(*state.limit_bytes, plus(loading, held(state, Holder::Kind::busy)));
    }
    for (const Holder& holder : state.holders) {
        if (holder.kind != Holder::Kind::busy) {
            add_bytes(holder.kind == Holder::Kind::idle ? room.freed : room.promised, holder.accelerators);
        }
    }
    return room;
}

std::uint64_t reachable_bytes(const MemoryState& state) {
    const MemoryRoom reachable = room(state);
    return std::min(reachable.system_bytes, reachable.limit_bytes.value_or(no_limit));
}

std::uint64_t system_available_bytes() {
    const memory::HostMemory host = memory::read_host_memory();
    return host.limits.empty() ? no_limit : host.free_bytes();
}

Error memory_refusal(const std::string& name, std::uint64_t need, const MemoryState& state) {
    std::string busy;
    for (const Holder& holder : state.holders) {
        if (holder.kind != Holder::Kind::idle && holder.bytes > 0) {
            busy +=
                fmt::format("{}{} ({})", busy.empty() ? "" : ", ", holder.name, format_bytes(holder.bytes));
        }
    }
    std::string text = fmt::format("{} needs about {} of memory, {} can be had", name, format_bytes(need),
                                   format_bytes(reachable_bytes(state)));
    if (state.limit_bytes) {
        text += fmt::format(" (limit {})", format_bytes(*state.limit_bytes));
    }
    if (!busy.empty()) {
        text += "; in use: " + busy;
    }
    std::string hint = busy.empty() ? "a smaller model or quantization would fit"
                                    : "stop one of those in use, or choose a smaller model or quantization";
    if (state.limit_bytes && need <= state.available_bytes) {
        hint += "; memory.ram_limit (HEARTH_RAM_LIMIT) is what keeps it out";
    }
    return {ErrorCode::memory_insufficient, text, hint};
}

} // namespace hearth::runtime
