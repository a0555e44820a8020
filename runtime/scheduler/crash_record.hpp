#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace hearth::runtime {

/// Keeps a model that kills its backend again and again from being started for ever: three deaths within a
/// minute put it aside for five. A plain value; times are given by the caller.
class CrashRecord {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr int deaths_allowed = 3;
    static constexpr std::chrono::seconds window = std::chrono::seconds(60);
    static constexpr std::chrono::seconds quarantine = std::chrono::minutes(5);

    /// @param name  what people call it, for `forgive`
    void note_death(const std::string& key, const std::string& name, Time now);
    /// How long the model is still put aside; nullopt: it may start.
    std::optional<std::chrono::seconds> put_aside_for(const std::string& key, Time now) const;
    /// A person asked for it: counting starts again.
    void forgive(const std::string& name);

  private:
    struct Record {
        std::string name;
        std::deque<Time> deaths;
        std::optional<Time> until;
    };
    std::map<std::string, Record> records_;
};

} // namespace hearth::runtime
