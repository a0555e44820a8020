#pragma once

#include "runtime/scheduler/arbiter.hpp"

namespace hearth::runtime {

inline constexpr const char* host_device = "cpu"; ///< RAM, as the planner and the backends call it

/// Bytes left on each device; below zero where more is promised than there is. A device that is not named has no bound.
class DeviceRoom {
  public:
    DeviceRoom() = default;
    explicit DeviceRoom(const DeviceBytes& bytes);

    void add(const DeviceBytes& bytes);
    void take(const DeviceBytes& bytes);
    /// On every device the smaller of both.
    void lower_to(const DeviceRoom& other);
    /// On every device that has a bound in both the larger of both.
    void raise_to(const DeviceRoom& other);
    bool holds(const DeviceBytes& need) const { return lacks(need).empty(); }
    /// What is missing for `need`, by the devices where anything is.
    DeviceBytes lacks(const DeviceBytes& need) const;

  private:
    std::map<std::string, std::int64_t> bytes_;
};

void add_bytes(DeviceBytes& to, const DeviceBytes& what);
/// On every device the larger of both.
DeviceBytes larger(const DeviceBytes& one, const DeviceBytes& other);
/// Is `bytes` at most `share` of what each device of `whole` has?
bool within_share(const DeviceBytes& bytes, double share, const DeviceBytes& whole);

/// What is free for the next load: the system's word less what loads will still take, and at most what the limit leaves.
/// @param loading  reserved, perhaps not yet seen in the system's numbers
/// @param ours     what all our models hold or have reserved
DeviceRoom free_room(const Budget& budget, const DeviceBytes& loading, const DeviceBytes& ours);

/// What each device could give if all of ours were gone.
DeviceBytes capacity(const Budget& budget, const DeviceBytes& settled);

} // namespace hearth::runtime
