#include "tests/simulator/machine.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace hearth::simulator {
namespace {

/// What one more request on a model takes from the others: small, as they are computed in one batch.
constexpr double batch_cost = 0.15;
constexpr Seconds nothing{1e-9}; // the clock's step: less is left of work that is done

void add(runtime::DeviceBytes& sum, const runtime::DeviceBytes& bytes, double share) {
    for (const auto& [device, count] : bytes)
        sum[device] += static_cast<std::uint64_t>(static_cast<double>(count) * share);
}

} // namespace

void Machine::load(const PretendedModel& model) {
    present_[model.name] = &model;
    work_.push_back({Done::loaded, &model, 0, model.reload, model.reload});
}

void Machine::unload(const PretendedModel& model) {
    std::erase_if(work_, [&](const Work& work) { return work.model == &model; });
    work_.push_back({Done::unloaded, &model, 0, unload_time, unload_time});
}

void Machine::answer(runtime::RequestId request, const PretendedModel& model, const Ask& ask) {
    const Seconds alone{ask.prompt_tokens / model.prompt_speed + ask.answer_tokens / model.answer_speed};
    work_.push_back({Done::answered, &model, request, alone, alone});
}

bool Machine::ready(const std::string& model) const {
    const auto found = present_.find(model);
    return found != present_.end() && count(Done::loaded, found->second) == 0 &&
           count(Done::unloaded, found->second) == 0;
}

std::size_t Machine::count(Done kind, const PretendedModel* model) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        work_, [&](const Work& work) { return work.kind == kind && (!model || work.model == model); }));
}

double Machine::rate(const Work& work) const {
    if (work.kind == Done::unloaded)
        return 1;
    if (work.kind == Done::loaded)
        return 1 / static_cast<double>(count(Done::loaded, nullptr));
    std::set<const PretendedModel*> computing;
    for (const Work& other : work_)
        if (other.kind == Done::answered && other.model->device == work.model->device)
            computing.insert(other.model);
    const auto beside = static_cast<double>(count(Done::answered, work.model) - 1);
    return 1 / (static_cast<double>(computing.size()) * (1 + batch_cost * beside));
}

std::optional<runtime::ArbiterTime> Machine::next() const {
    std::optional<runtime::ArbiterTime> earliest;
    for (const Work& work : work_) {
        const double nanoseconds = std::ceil(std::max(work.left.count(), 0.0) / rate(work) * 1e9);
        const auto at = now_ + std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
        earliest = std::min(earliest.value_or(at), at);
    }
    return earliest;
}

std::vector<Machine::Event> Machine::advance(runtime::ArbiterTime to) {
    std::vector<double> rates;
    for (const Work& work : work_)
        rates.push_back(rate(work));
    for (std::size_t i = 0; i < work_.size(); ++i)
        work_[i].left -= Seconds(to - now_) * rates[i];
    now_ = to;
    std::vector<Event> events;
    for (const Work& work : work_)
        if (work.left <= nothing)
            events.push_back({work.kind, work.model, work.request});
    std::erase_if(work_, [](const Work& work) { return work.left <= nothing; });
    for (const Event& event : events)
        if (event.what == Done::unloaded)
            present_.erase(event.model->name);
    return events;
}

runtime::DeviceBytes Machine::allocated() const {
    runtime::DeviceBytes sum;
    for (const auto& [name, model] : present_) {
        const auto loading = std::ranges::find_if(
            work_, [&](const Work& work) { return work.kind == Done::loaded && work.model == model; });
        add(sum, model->bytes, loading == work_.end() ? 1 : 1 - loading->left / loading->alone);
    }
    return sum;
}

runtime::DeviceBytes Machine::promised() const {
    runtime::DeviceBytes sum;
    for (const auto& [name, model] : present_)
        add(sum, model->bytes, 1);
    return sum;
}

} // namespace hearth::simulator
