#include "daemon/planning/planner.hpp"

#include "base/error.hpp"
#include "daemon/planning/load_choice.hpp"
#include "daemon/planning/quantize_offer.hpp"
#include "registry/catalogue/known_models.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/probe.hpp"
#include "registry/model_ref.hpp"
#include "runtime/memory/available.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>

namespace hearth::daemon {

namespace asio = boost::asio;
namespace gguf = registry::gguf;
namespace memory = runtime::memory;

namespace {

/// The backend whose memory the planner knows.
constexpr std::string_view planned_backend = "llama";
constexpr std::size_t most_siblings = 16;
constexpr int most_questions = 12; // to the engine, for one plan

std::uint64_t budget_of(const memory::Machine& machine) {
    std::uint64_t budget = machine.host.budget_bytes();
    for (const memory::Device& device : machine.accelerators) {
        budget += device.unified ? 0 : device.budget_bytes();
    }
    return budget;
}

std::uint64_t bytes_on(const runtime::DeviceBytes& bytes, const std::string& device) {
    const auto found = bytes.find(device);
    return found == bytes.end() ? 0 : found->second;
}

/// The machine as a load finds it: idle models count as gone, and memory.ram_limit as what it leaves. A cap on
/// models alone needs no margin below it.
memory::Machine with_room(memory::Machine machine, const runtime::MemoryRoom& room, const Config& config) {
    memory::Device& host = machine.host;
    const std::uint64_t usual =
        room.limit_bytes ? memory::host_margin_bytes(host.total_bytes, false) : host.margin_bytes;
    const std::uint64_t margin = config.margin_bytes.value_or(usual);
    host.free_bytes = room.system_bytes - std::min(room.system_bytes, margin);
    host.margin_bytes = 0;
    if (room.limit_bytes) {
        host.free_bytes = std::min(host.free_bytes, *room.limit_bytes);
    }
    for (memory::Device& device : machine.accelerators) {
        const std::uint64_t freed = bytes_on(room.freed, device.id);
        const std::uint64_t free = std::min(device.total_bytes, device.free_bytes + freed);
        device.free_bytes = free - std::min(free, bytes_on(room.promised, device.id));
    }
    return machine;
}

void add_offer(memory::Plan& plan, const std::string& offer) {
    plan.advice += (plan.advice.empty() || offer.empty() ? "" : "; ") + offer;
}

registry::OpenModelFile open_probe(const gguf::ByteSource& source) {
    const auto probe = gguf::try_make_probe(source);
    if (!probe) {
        throw Error(ErrorCode::model_invalid, "the header is longer than what was read of it");
    }
    registry::OpenModelFile file;
    file.fd = gguf::open_probe(*probe);
    file.size_bytes = probe->file_bytes;
    return file;
}

} // namespace

Planner::Planner(asio::any_io_executor executor, BlockingPool& disk, Sources sources)
    : disk_(disk), sources_(std::move(sources)),
      dry_run_(executor, [this, executor] { return runtime::start_runner(executor, engine()); }) {}

const runtime::PluginManifest& Planner::engine() const {
    const auto found = std::ranges::find(sources_.plugins, planned_backend, &runtime::PluginManifest::name);
    if (found == sources_.plugins.end()) {
        throw Error(ErrorCode::backend_not_found, "there is no backend llama to ask");
    }
    return *found;
}

asio::awaitable<void> Planner::stop() {
    co_await dry_run_.stop();
}

asio::awaitable<memory::Machine> Planner::machine() {
    memory::Machine machine = co_await sources_.machine();
    machine.host.free_bytes +=
        sources_.idle_bytes(); // a load ends what is idle, so that a plan counts it as free
    const auto found = std::ranges::find(sources_.plugins, planned_backend, &runtime::PluginManifest::name);
    if (found != sources_.plugins.end()) {
        co_await sources_.history.apply_fixed(machine, *found);
    }
    co_return machine;
}

asio::awaitable<memory::Plan> Planner::fit_once(const Candidates& candidates, const memory::Wishes& wishes,
                                                const memory::Machine& machine, EngineFigures& figures) {
    const memory::Estimator estimator = [&figures](const auto&... question) {
        return figures.estimate(question...);
    };
    memory::Plan plan = memory::fit(candidates.list, wishes, machine, estimator);
    for (int asked = 0; asked < most_questions && co_await figures.ask(); ++asked) {
        plan = memory::fit(candidates.list, wishes, machine, estimator);
    }
    if (figures.used()) {
        for (memory::Choice& choice : plan.choices) {
            choice.source = "dry-run";
        }
    }
    if (sources_.config.threads > 0) {
        for (memory::Choice& choice : plan.choices) {
            choice.threads = sources_.config.threads;
        }
    }
    co_return plan;
}

asio::awaitable<memory::Plan> Planner::fit_modestly(const Candidates& candidates, memory::Wishes wishes,
                                                    const memory::Machine& machine, EngineFigures figures) {
    memory::Plan plan;
    std::exception_ptr failure;
    ++planning_;
    try {
        plan = co_await fit_in_half(candidates, std::move(wishes), machine, figures);
    } catch (...) {
        failure = std::current_exception();
    }
    if (--planning_ == 0) { // a runner that may be asked again would cost memory for nothing
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await dry_run_.stop();
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    co_return plan;
}

/// Several requests at once are worth memory, but not what other models need: with more than one sequence that
/// nobody asked for, a model takes at most half of what there is.
asio::awaitable<memory::Plan> Planner::fit_in_half(const Candidates& candidates, memory::Wishes wishes,
                                                   const memory::Machine& machine, EngineFigures& figures) {
    wishes.preferred_parallel = sources_.config.parallel;
    if (!wishes.context && sources_.config.context_tokens > 0) {
        wishes.usual_context = static_cast<std::uint64_t>(sources_.config.context_tokens);
    }
    while (true) {
        memory::Plan plan = co_await fit_once(candidates, wishes, machine, figures);
        const bool modest = wishes.parallel || wishes.preferred_parallel <= 1 || !plan.pick ||
                            plan.choices[*plan.pick].options.parallel <= 1 ||
                            plan.choices[*plan.pick].memory.total_bytes() <= budget_of(machine) / 2;
        if (modest) {
            co_return plan;
        }
        wishes.preferred_parallel /= 2;
    }
}

EngineFigures Planner::figures_of(registry::Model model) {
    std::string key = model.files_key();
    auto files = [this, model = std::move(model)] { return open_probes(model); };
    return {dry_run_, std::move(files), &layouts_, std::move(key)};
}

/// Of what is not here the header would have to be read once more: only for an architecture that needs it.
EngineFigures Planner::figures_of(registry::PublishedModel model, std::string tag) {
    auto files = [this, model = std::move(model), tag = std::move(tag)] { return fetch_probes(model, tag); };
    return {dry_run_, std::move(files)};
}

asio::awaitable<std::vector<registry::OpenModelFile>> Planner::open_probes(registry::Model model) {
    std::vector<registry::OpenModelFile> files = co_await sources_.catalog.open_files(std::move(model));
    std::erase_if(files, [](const auto& file) { return file.role != registry::FileRole::model; });
    auto make = [&files] {
        for (registry::OpenModelFile& file : files) {
            registry::OpenModelFile probe = open_probe(gguf::FileSource(file.fd.get()));
            probe.shard = file.shard;
            probe.of = file.of;
            file = std::move(probe);
        }
    };
    co_await run_blocking(disk_, std::move(make));
    co_return files;
}

asio::awaitable<std::vector<registry::OpenModelFile>> Planner::fetch_probes(registry::PublishedModel model,
                                                                            std::string tag) {
    const registry::PublishedQuant& quant = tag.empty() ? registry::default_quant(model) : model.get(tag);
    std::vector<registry::OpenModelFile> files;
    for (const registry::PublishedFile& file : quant.files) {
        if (file.role != registry::FileRole::model) {
            continue;
        }
        const registry::PublishedHeader header =
            co_await sources_.survey.read_header(file, registry::HeaderDepth::whole);
        const std::string bytes =
            co_await sources_.survey.read_prefix(file, header.prefix.header.data_offset);
        files.push_back(open_probe(gguf::PrefixSource(bytes, file.size_bytes)));
        files.back().shard = file.shard;
        files.back().of = file.of;
    }
    co_return files;
}

asio::awaitable<PlanAnswer> Planner::plan(PlanQuestion question) {
    std::optional<registry::Model> model = co_await sources_.catalog.find(question.model);
    if (!model) {
        co_return co_await plan_published(std::move(question));
    }
    // A repository without a quantization asks what there is, also when one of them is here; offline, that one.
    if (model->ref.kind == registry::ModelRef::Kind::hub && model->ref.tag == "latest") {
        try {
            co_return co_await plan_published(question);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::registry_unreachable) {
                throw;
            }
        }
    }
    co_return co_await plan_installed(std::move(*model), std::move(question));
}

asio::awaitable<PlanAnswer> Planner::plan_installed(registry::Model model, PlanQuestion question) {
    PlanAnswer answer{.model = model.ref.full_name(), .installed = true};
    const memory::Machine real = co_await machine();
    answer.machine = memory::pretend(real, question.machine);
    const std::shared_ptr<const registry::StoredShapes> shapes = co_await sources_.shapes.read(model);
    const Candidates candidates = candidates_of(model, *shapes);
    answer.plan = co_await fit_modestly(candidates, question.wishes, answer.machine, figures_of(model));
    const std::string name = model.ref.short_name(sources_.config.default_registry);
    add_offer(answer.plan, offer_quantize(name, candidates, question.wishes, answer.machine));
    if (question.machine.is_real()) {
        co_await sources_.history.apply(answer.plan, model, engine(), answer.machine);
    }
    co_return answer;
}

asio::awaitable<PlanAnswer> Planner::plan_published(PlanQuestion question) {
    const registry::ModelRef ref = registry::resolve_name(question.model, sources_.config.default_registry);
    const registry::PublishedModel published = co_await look(ref, question.insecure);
    PlanAnswer answer{.model = ref.full_name()};
    std::string tag = question.wishes.quant;
    if (tag.empty() && ref.kind == registry::ModelRef::Kind::hub && ref.tag != "latest") {
        tag = ref.tag;
    }
    if (!tag.empty()) {
        const registry::PublishedQuant& wished = published.get(tag);
        question.wishes.quant = wished.quant;
        tag = wished.tag;
    }
    const memory::Machine real = co_await machine();
    answer.machine = memory::pretend(real, question.machine);
    const auto depth = question.quick ? registry::HeaderDepth::quick : registry::HeaderDepth::whole;
    const Candidates candidates = co_await survey_candidates(sources_.survey, published, depth, tag);
    answer.header_bytes = candidates.header_bytes;
    answer.plan =
        co_await fit_modestly(candidates, question.wishes, answer.machine, figures_of(published, tag));
    add_offer(answer.plan, offer_quantize("", candidates, question.wishes, answer.machine));
    co_return answer;
}

/// What the source has; of an OCI repository also the tags that are the same model otherwise quantized.
asio::awaitable<registry::PublishedModel> Planner::look(registry::ModelRef ref, bool insecure) {
    registry::PublishedModel model = co_await sources_.survey.look(ref, insecure);
    std::vector<std::string> siblings = sibling_tags(ref.tag, model.tags);
    siblings.resize(std::min(siblings.size(), most_siblings));
    for (const std::string& tag : siblings) {
        registry::ModelRef sibling = ref;
        sibling.tag = tag;
        sibling.pin.reset();
        registry::PublishedModel other = co_await sources_.survey.look(std::move(sibling), insecure);
        std::ranges::move(other.quants, std::back_inserter(model.quants));
    }
    co_return model;
}

asio::awaitable<std::string> Planner::choose_quant(registry::PublishedModel model) {
    const memory::Wishes wishes;
    const memory::Machine here = co_await machine();
    const Candidates candidates =
        co_await survey_candidates(sources_.survey, model, registry::HeaderDepth::quick, "");
    const memory::Plan plan = co_await fit_modestly(candidates, wishes, here, figures_of(model, ""));
    if (!plan.pick || !plan.choices[*plan.pick].fits) {
        throw Error(ErrorCode::memory_insufficient,
                    "no quantization of " + model.ref.full_name() + " that is worth having fits this machine",
                    plan.advice + (plan.advice.empty() ? "" : "; ") +
                        "one that is named is pulled all the same");
    }
    const auto same = [&](const registry::PublishedQuant& quant) {
        return quant.quant == plan.choices[*plan.pick].quant;
    };
    const auto found = std::ranges::find_if(model.quants, same);
    co_return found == model.quants.end() ? model.quants.front().tag : found->tag;
}

asio::awaitable<std::optional<runtime::LoadPlan>> Planner::plan_load(registry::Model model,
                                                                     runtime::PluginManifest plugin,
                                                                     runtime::LoadOptions options,
                                                                     runtime::MemoryRoom room) {
    if (plugin.name != planned_backend) {
        co_return std::nullopt;
    }
    const std::shared_ptr<const registry::StoredShapes> shapes = co_await sources_.shapes.read(model);
    const memory::Machine real = co_await machine();
    const memory::Machine here = with_room(real, room, sources_.config);
    memory::Wishes wishes = to_wishes(options);
    wishes.quant = model.details.quantization_level; // what is here was chosen: no floor
    const Candidates candidates = candidates_of(model, *shapes);
    memory::Plan plan = co_await fit_modestly(candidates, wishes, here, figures_of(model));
    const bool unknown = !plan.choices.empty() && plan.choices.front().memory.total_bytes() == 0;
    if (unknown) { // neither the closed form nor the engine can say
        co_return std::nullopt;
    }
    const bool fits = plan.pick && plan.choices[*plan.pick].fits;
    if (!fits && !options.force) {
        const std::string name = model.ref.short_name(sources_.config.default_registry);
        add_offer(plan, offer_quantize(name, candidates, wishes, here));
        refuse(name, plan, here);
    }
    memory::Choice& choice = plan.choices[plan.pick.value_or(0)];
    choice.threads = options.threads.value_or(choice.threads);
    co_return to_load_plan(choice, shapes->model, here);
}

} // namespace hearth::daemon
