#pragma once

#include "base/async/blocking.hpp"
#include "base/config.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace hearth::registry {
class BlobStore;
class Catalog;
class ModelBuilder;
class PullEngine;
} // namespace hearth::registry
namespace hearth::runtime {
class Scheduler;
} // namespace hearth::runtime
namespace hearth::runtime::memory {
class MachineSource;
} // namespace hearth::runtime::memory

namespace hearth::daemon {

class AppTokens;
class ConfigKeeper;
class DefaultModels;
class EngineVariants;
class EventBus;
class History;
class PageDoor;
class Planner;
class ShippedModel;

/// An address that apps reach over TCP, for `status`.
struct TcpDoor {
    std::string address; ///< "127.0.0.1:11434"
    bool token_required = true;
    bool tls = false;
    std::string description;
};

/// What handlers work with. All of it is owned by the daemon and outlives every request; on the io executor.
struct Services {
    const Config& config;
    registry::Catalog& catalog;
    registry::BlobStore& blobs;
    registry::PullEngine& pulls;
    registry::ModelBuilder& builder;
    runtime::Scheduler& scheduler;
    runtime::memory::MachineSource& machine;
    Planner& planner;
    History& history;
    EventBus& events;
    BlockingPool& workers; ///< for JSON too large for the io thread
    AppTokens& tokens;
    DefaultModels& defaults;
    ConfigKeeper& configuration;
    ShippedModel& shipped;
    EngineVariants& variants;
    PageDoor& page;

    std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
    std::filesystem::path socket{};
    std::filesystem::path data_dir{};
    std::vector<TcpDoor> tcp{};
    std::string sandbox{}; ///< what is enforced on this process
};

} // namespace hearth::daemon
