#pragma once

#include "cli/doctor/system.hpp"

#include <map>
#include <set>

namespace hearth::testing {

/// A machine on which nothing is wrong, until a test changes that.
struct FakeSystem final : cli::doctor::System {
    using Facts = cli::doctor::FileFacts;
    using path = std::filesystem::path;

    FakeSystem() {
        variables = {
            {"PATH", "/home/me/.local/bin:/usr/bin"}, {"DISPLAY", ":0"}, {"XDG_CURRENT_DESKTOP", "XFCE"}};
        files["/home/me/.local/bin/hearth"] = Facts{Facts::Kind::file, 1000, 0755, built};
        files["/data"] = Facts{Facts::Kind::folder, 1000, 0700, built};
        files["/run/user/1000/hearth"] = Facts{Facts::Kind::folder, 1000, 0700, built};
        answers["systemctl --user show --property=Version"] = {0, "Version=252\n", ""};
        answers["systemctl --user is-enabled hearthd.socket"] = {0, "enabled\n", ""};
        answers["systemctl --user is-active hearthd.socket"] = {0, "active\n", ""};
        answers["systemctl --user is-failed hearthd.service"] = {1, "active\n", ""};
        answers[bus_question] = {0, "b true\n", ""};
    }

    std::optional<std::string> variable(const std::string& name) const override {
        return at(variables, name);
    }
    unsigned user_id() const override { return 1000; }
    std::string user_name() const override { return "me"; }
    path program() const override { return "/home/me/.local/bin/hearth"; }
    std::optional<Facts> look(const path& file) const override { return at(files, file); }
    std::optional<path> resolve(const path& file) const override {
        const auto link = links.find(file);
        return link != links.end() ? link->second : file;
    }
    bool may_execute(const path& file) const override { return files.contains(file); }
    bool may_read_and_write(const path& file) const override { return !locked.contains(file); }
    std::vector<path> entries(const path& folder) const override {
        std::vector<path> found;
        for (const auto& [file, facts] : files) {
            if (file.parent_path() == folder) {
                found.push_back(file);
            }
        }
        return found;
    }
    std::optional<std::string> read(const path& file) const override { return at(contents, file); }
    std::optional<cli::doctor::DiskFacts> disk(const path&) const override { return space; }
    std::optional<process::ProgramAnswer> ask(const std::vector<std::string>& words) const override {
        std::string line;
        for (const std::string& word : words) {
            line += (line.empty() ? "" : " ") + word;
        }
        return at(answers, line);
    }
    std::optional<std::string> connect_failure(const std::string& host,
                                               const std::string& port) const override {
        return at(unreachable, host + ":" + port);
    }
    std::chrono::system_clock::time_point now() const override { return time; }
    cli::doctor::ClockState clock_state() const override { return clock; }

    static constexpr const char* bus_question =
        "busctl --user call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus NameHasOwner s "
        "org.kde.StatusNotifierWatcher";

    std::chrono::system_clock::time_point built = std::chrono::sys_days(std::chrono::year(2026) / 11 / 1);
    std::chrono::system_clock::time_point time = std::chrono::sys_days(std::chrono::year(2026) / 11 / 26);
    std::map<std::string, std::string> variables;
    std::map<path, Facts> files;
    std::map<path, path> links;
    std::set<path> locked; ///< files that the user may not use
    std::map<path, std::string> contents;
    std::optional<cli::doctor::DiskFacts> space =
        cli::doctor::DiskFacts{200'000'000'000, 500'000'000'000, 1'000'000, false};
    std::map<std::string, process::ProgramAnswer> answers; ///< by the command line
    std::map<std::string, std::string> unreachable;        ///< "host:port" → why
    cli::doctor::ClockState clock = cli::doctor::ClockState::synchronised;

  private:
    template <class Map>
    static std::optional<typename Map::mapped_type> at(const Map& map, const typename Map::key_type& key) {
        const auto found = map.find(key);
        return found == map.end() ? std::nullopt : std::optional(found->second);
    }
};

} // namespace hearth::testing
