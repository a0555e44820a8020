#include "runtime/scheduler/crash_record.hpp"

namespace hearth::runtime {

void CrashRecord::note_death(const std::string& key, const std::string& name, Time now) {
    Record& record = records_[key];
    record.name = name;
    record.deaths.push_back(now);
    while (now - record.deaths.front() > window) {
        record.deaths.pop_front();
    }
    if (record.deaths.size() >= deaths_allowed) {
        record.until = now + quarantine;
        record.deaths.clear();
    }
}

std::optional<std::chrono::seconds> CrashRecord::put_aside_for(const std::string& key, Time now) const {
    const auto found = records_.find(key);
    if (found == records_.end() || !found->second.until || *found->second.until <= now) {
        return std::nullopt;
    }
    return std::chrono::ceil<std::chrono::seconds>(*found->second.until - now);
}

void CrashRecord::forgive(const std::string& name) {
    std::erase_if(records_, [&](const auto& item) { return item.second.name == name; });
}

} // namespace hearth::runtime
