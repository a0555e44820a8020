#pragma once

#include "runtime/scheduler/arbiter.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// What the simulator replays: a machine, its models and what its users do, as plain values.
namespace hearth::simulator {

using Seconds = std::chrono::duration<double>;

/// A model as the simulator pretends it.
struct PretendedModel {
    std::string name;
    runtime::DeviceBytes bytes;
    Seconds reload{};        ///< alone on the disk
    double prompt_speed = 0; ///< tokens per second, one request alone on the device
    double answer_speed = 0;
    std::string device; ///< where it computes
};

struct Ask {
    std::string model;
    int prompt_tokens = 0; ///< those that no cache has
    int answer_tokens = 0; ///< 0: an embedding
    /// As the app sends it; absent: the service's default.
    std::optional<std::chrono::nanoseconds> keep_alive{};
};

/// After the former step is answered, a pause, then all asks at once.
struct Step {
    Seconds pause{};
    std::vector<Ask> asks;
};

/// Somebody who waits for answers before going on. What does not wait (a webhook) is a client of one step.
struct Client {
    std::string app;
    std::vector<Step> steps;
    double priority = 1;
};

struct Trace {
    std::string name;
    runtime::DeviceBytes limit; ///< what all models may hold
    std::vector<PretendedModel> models;
    std::vector<Client> clients;
};

} // namespace hearth::simulator
