#include "daemon/handlers/selftest.hpp"
#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "daemon/engine_variants.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/known_trial.hpp"
#include "daemon/handlers/variant_search.hpp"
#include "registry/shipped_models.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t file_limit_bytes = 1u << 20;

/// @throws Error  unsupported: this installation has none
KnownAnswers read_known() {
    const std::filesystem::path file = registry::shipped_models_dir() / "ember.known.json";
    std::error_code absent;
    if (!std::filesystem::exists(file, absent)) {
        throw Error(ErrorCode::unsupported, "this installation has no known answers to compare with",
                    file.string() + " is not there");
    }
    return KnownAnswers::parse(read_file(file, file_limit_bytes));
}

TrialRequest parse_request(const Json& body, http::App app) {
    return {.model = string_field(body, "model").value_or(std::string(registry::ember_name)),
            .backend = string_field(body, "backend").value_or(""),
            .app = std::move(app)};
}

Json set_aside_json(const std::vector<runtime::SetAside>& variants) {
    Json list = Json::array();
    for (const runtime::SetAside& variant : variants) {
        list.push_back({{"variant", variant.variant}, {"why", variant.why}, {"at", variant.at}});
    }
    return list;
}

Json verdict_json(const Services& services, const Trial& trial, const TrialSubject& subject,
                  const std::string& variant, double tolerance) {
    Json answer = {{"passed", trial.verdict.passed()},
                   {"backend", subject.plugin.name},
                   {"backend_version", subject.plugin.version},
                   {"largest_difference", trial.verdict.largest_difference},
                   {"tolerance", tolerance},
                   {"set_aside", set_aside_json(services.variants.set_aside(subject.plugin.name))}};
    if (!variant.empty()) {
        answer["variant"] = variant;
    }
    if (!trial.verdict.passed()) {
        answer["fault"] = trial.verdict.fault;
    }
    return answer;
}

/// Is the model the one that ships, by name and size? A user may have another of that name.
asio::awaitable<bool> is_shipped(Services& services, TrialRequest request) {
    if (request.model != registry::ember_name) {
        co_return false;
    }
    auto measure = [] {
        const auto file = registry::shipped_model(registry::ember_name);
        std::error_code absent;
        return file ? std::filesystem::file_size(*file, absent) : 0;
    };
    const std::uintmax_t shipped_bytes = co_await run_blocking(services.workers, std::move(measure));
    const Target target = co_await find_target(services, request.model, request.backend, request.app);
    co_return target.model && !target.model->files.empty() &&
        target.model->files.front().size_bytes == shipped_bytes;
}

/// As search_variant. What hinders the search does not hide what was found before.
asio::awaitable<Trial> try_variants(Services& services, TrialRequest request, KnownAnswers known,
                                    Trial failed, std::string variant) {
    try {
        Trial trial = co_await search_variant(services, std::move(request), std::move(known), failed,
                                              std::move(variant));
        co_return trial;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
        failed.verdict.fault += std::string("; no other variant could be tried: ") + error.what();
    }
    co_return failed;
}

/// {"model"?, "backend"?, "record"?}: asks Ember what it is known to answer. A wrong answer is an answer (200,
/// `passed` false), and so is a backend that crashes; what hinders the asking is an error. Where Ember itself is wrong, a
/// variant of the engine is looked for that is right.
asio::awaitable<void> selftest(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const Json body = parse_object(http_request.body);
    const TrialRequest request = parse_request(body, std::move(http_request.app));
    const bool record = flag_field(body, "record").value_or(false);
    auto read = [] { return read_known(); };
    const KnownAnswers known = co_await run_blocking(services.workers, std::move(read));
    if (record) {
        const Trial trial = co_await ask_known(services, request, known);
        if (trial.got.chats.empty()) {
            throw Error(ErrorCode::backend_failed, trial.verdict.fault);
        }
        Json answer = trial.got.to_json();
        co_await out.send_json(200, std::move(answer));
        co_return;
    }
    const auto search = co_await services.variants.search();
    const TrialSubject before = co_await subject_of(services, request);
    const std::string variant = co_await variant_in_use(before.plugin);
    Trial trial = co_await ask_known(services, request, known);
    if (!trial.verdict.passed() &&
        co_await is_shipped(services, request)) { // another model may be wrong itself
        trial = co_await try_variants(services, request, known, std::move(trial), variant);
    }
    const TrialSubject after = co_await subject_of(services, request);
    const std::string used = after.plugin.passed_over == before.plugin.passed_over
                                 ? variant
                                 : co_await variant_in_use(after.plugin);
    Json answer = verdict_json(services, trial, after, used, known.tolerance);
    answer["model"] = request.model;
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_selftest_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return selftest(services, std::move(request), out);
    };
    router.add({"POST", "/hearth/v1/selftest", http::Access::full, http::BodySize::json, handler});
}

} // namespace hearth::daemon
