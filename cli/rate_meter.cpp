#include "cli/rate_meter.hpp"

namespace hearth::cli {
namespace {

constexpr std::chrono::seconds window(10);
constexpr std::chrono::milliseconds spacing(100);

} // namespace

void RateMeter::add(Time now, std::uint64_t bytes) {
    if (samples_.size() >= 2 && now - samples_[samples_.size() - 2].time < spacing) {
        samples_.back() = {now, bytes};
    } else {
        samples_.push_back({now, bytes});
    }
    while (samples_.size() > 2 &&
           now - samples_[1].time >= window) { // the oldest stays just outside the window
        samples_.pop_front();
    }
}

double RateMeter::bytes_per_second(Time now) const {
    if (samples_.size() < 2) {
        return 0;
    }
    const std::chrono::duration<double> elapsed = now - samples_.front().time;
    const auto moved = static_cast<double>(samples_.back().bytes - samples_.front().bytes);
    return elapsed.count() > 0 ? moved / elapsed.count() : 0;
}

} // namespace hearth::cli
