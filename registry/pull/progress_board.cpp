#include "registry/pull/progress_board.hpp"

#include <algorithm>
#include <utility>

namespace hearth::registry {

namespace {
constexpr auto quiet_time = std::chrono::milliseconds(100);
}

ProgressBoard::ListenerId ProgressBoard::join(Listener listener) {
    for (const Line& line : lines_) {
        listener(line.progress);
    }
    const ListenerId id = next_id_++;
    listeners_.emplace(id, std::move(listener));
    return id;
}

void ProgressBoard::leave(ListenerId id) {
    listeners_.erase(id);
}

void ProgressBoard::step(std::string status) {
    PullProgress progress;
    progress.status = std::move(status);
    lines_.push_back(Line{progress, {}});
    tell(progress);
}

void ProgressBoard::bytes(const std::string& status, const std::optional<Digest>& digest, std::uint64_t total,
                          std::uint64_t completed) {
    auto line =
        std::ranges::find_if(lines_, [&](const Line& entry) { return entry.progress.status == status; });
    const bool is_new = line == lines_.end();
    if (is_new) {
        PullProgress progress;
        progress.status = status;
        lines_.push_back(Line{std::move(progress), {}});
        line = std::prev(lines_.end());
    }
    PullProgress& progress = line->progress;
    const bool changed = is_new || completed > progress.completed_bytes || total != progress.total_bytes;
    const bool is_first = progress.completed_bytes == 0; // where a resumed layer starts is shown at once
    progress.digest = digest;
    progress.total_bytes = std::max(total, completed);
    progress.completed_bytes = std::max(progress.completed_bytes, completed);
    const auto now = std::chrono::steady_clock::now();
    const bool finished = progress.completed_bytes == progress.total_bytes;
    if (changed && (is_new || is_first || finished || now - line->told >= quiet_time)) {
        line->told = now;
        tell(progress);
    }
}

void ProgressBoard::tell(const PullProgress& progress) {
    for (const auto& [id, listener] : listeners_) {
        listener(progress);
    }
}

} // namespace hearth::registry
