#pragma once

#include "cli/doctor/system.hpp"

namespace hearth::cli::doctor {

/// The machine itself.
class LinuxSystem final : public System {
  public:
    std::optional<std::string> variable(const std::string& name) const override;
    unsigned user_id() const override;
    std::string user_name() const override;
    std::filesystem::path program() const override;
    std::optional<FileFacts> look(const std::filesystem::path& path) const override;
    std::optional<std::filesystem::path> resolve(const std::filesystem::path& path) const override;
    bool may_execute(const std::filesystem::path& path) const override;
    bool may_read_and_write(const std::filesystem::path& path) const override;
    std::vector<std::filesystem::path> entries(const std::filesystem::path& folder) const override;
    std::optional<std::string> read(const std::filesystem::path& path) const override;
    std::optional<DiskFacts> disk(const std::filesystem::path& path) const override;
    std::optional<process::ProgramAnswer> ask(const std::vector<std::string>& words) const override;
    std::optional<std::string> connect_failure(const std::string& host,
                                               const std::string& port) const override;
    std::chrono::system_clock::time_point now() const override;
    ClockState clock_state() const override;
};

} // namespace hearth::cli::doctor
