#include "runtime/scheduler/turn_record.hpp"

#include <algorithm>

namespace hearth::runtime {

namespace {

using namespace std::chrono_literals;

constexpr auto at_once = 2s; ///< a program that runs a tool, not a person who reads
constexpr int many = 25;     ///< requests in a turn, of which the first waits: fewer than one in twenty
/// Of a steady model's requests: a chat window that asks for a title after each answer makes one in two.
constexpr double steady_share = 0.8;
constexpr int requests_remembered = 24;
constexpr int values_remembered = 5;

/// The first is taken as it is.
void follow(std::chrono::nanoseconds& usual, std::chrono::nanoseconds latest) {
    usual += usual.count() == 0 ? latest : (latest - usual) / values_remembered;
}

} // namespace

void TurnRecord::note_request(std::optional<std::chrono::nanoseconds> pause) {
    const bool follows_up = pause && *pause <= at_once;
    requests_ = std::min(requests_ + 1, requests_remembered);
    follow_up_share_ += ((follows_up ? 1 : 0) - follow_up_share_) / requests_;
    if (follows_up) {
        follow(usual_pause_, *pause);
    }
}

void TurnRecord::note_answer(std::chrono::nanoseconds took) {
    follow(usual_answer_, took);
}

bool TurnRecord::steady() const {
    return follow_up_share_ >= steady_share;
}

bool TurnRecord::quick(std::chrono::nanoseconds length) const {
    return length >= many * (usual_answer_ + usual_pause_);
}

} // namespace hearth::runtime
