#include "runtime/scheduler/device_room.hpp"

#include <algorithm>

namespace hearth::runtime {

namespace {

/// Sums of a few of these stay in range: "no limit" comes as the largest number there is.
constexpr std::uint64_t most_bytes = 1ULL << 56;

std::int64_t to_signed(std::uint64_t bytes) {
    return static_cast<std::int64_t>(std::min(bytes, most_bytes));
}

} // namespace

DeviceRoom::DeviceRoom(const DeviceBytes& bytes) {
    for (const auto& [device, count] : bytes) {
        bytes_[device] = to_signed(count);
    }
}

void DeviceRoom::add(const DeviceBytes& bytes) {
    for (const auto& [device, count] : bytes) {
        if (const auto found = bytes_.find(device); found != bytes_.end()) {
            found->second += to_signed(count);
        }
    }
}

void DeviceRoom::take(const DeviceBytes& bytes) {
    for (const auto& [device, count] : bytes) {
        if (const auto found = bytes_.find(device); found != bytes_.end()) {
            found->second -= to_signed(count);
        }
    }
}

void DeviceRoom::lower_to(const DeviceRoom& other) {
    for (const auto& [device, count] : other.bytes_) {
        const auto [mine, added] = bytes_.emplace(device, count);
        mine->second = std::min(mine->second, count);
    }
}

void DeviceRoom::raise_to(const DeviceRoom& other) {
    for (auto& [device, count] : bytes_) {
        if (const auto found = other.bytes_.find(device); found != other.bytes_.end()) {
            count = std::max(count, found->second);
        }
    }
}

DeviceBytes DeviceRoom::lacks(const DeviceBytes& need) const {
    DeviceBytes missing;
    for (const auto& [device, count] : need) {
        const auto found = bytes_.find(device);
        if (found != bytes_.end() && count > 0 && to_signed(count) > found->second) {
            missing[device] = static_cast<std::uint64_t>(to_signed(count) - found->second);
        }
    }
    return missing;
}

void add_bytes(DeviceBytes& to, const DeviceBytes& what) {
    for (const auto& [device, count] : what) {
        std::uint64_t& sum = to[device];
        sum = std::min(most_bytes, sum) + std::min(most_bytes, count);
    }
}

DeviceBytes larger(const DeviceBytes& one, const DeviceBytes& other) {
    DeviceBytes result = one;
    for (const auto& [device, count] : other) {
        result[device] = std::max(result[device], count);
    }
    return result;
}

bool within_share(const DeviceBytes& bytes, double share, const DeviceBytes& whole) {
    return std::ranges::all_of(bytes, [&](const auto& item) {
        const auto found = whole.find(item.first);
        return found == whole.end() ||
               static_cast<double>(item.second) <= share * static_cast<double>(found->second);
    });
}

DeviceRoom free_room(const Budget& budget, const DeviceBytes& loading, const DeviceBytes& ours) {
    DeviceRoom room(budget.free);
    room.take(loading);
    DeviceRoom limit(budget.limit);
    limit.take(ours);
    room.lower_to(limit);
    return room;
}

DeviceBytes capacity(const Budget& budget, const DeviceBytes& settled) {
    DeviceBytes whole;
    for (const auto& [device, count] : budget.free) {
        whole[device] = std::min(count, most_bytes);
        if (const auto held = settled.find(device); held != settled.end()) {
            whole[device] += std::min(held->second, most_bytes);
        }
    }
    for (const auto& [device, count] : budget.limit) {
        const auto [mine, added] = whole.emplace(device, count);
        mine->second = std::min(mine->second, count);
    }
    return whole;
}

} // namespace hearth::runtime
