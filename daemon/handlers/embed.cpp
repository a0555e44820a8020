#include "daemon/handlers/body.hpp"
#include "daemon/handlers/embedding.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/requests.hpp"
#include "daemon/handlers/routes.hpp"

#include <chrono>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> answer_embed(Services& services, http::Request http_request,
                                   http::ResponseWriter& out) {
    const auto begun = std::chrono::steady_clock::now();
    const std::size_t size = http_request.body.size();
    auto parse = [text = std::move(http_request.body)] { return parse_embed(parse_object(text)); };
    const EmbedRequest request = co_await run_sized(services, size, std::move(parse));
    const CommonFields& common = request.common;
    const Target target =
        co_await find_target(services, common.model, common.backend, std::move(http_request.app));
    Options options = options_of(target, common);
    options.load.embeddings = true;
    const Lease lease = co_await acquire(services, target, options.load, common.keep_alive);
    out.set_header("Hearth-Backend", lease->plugin().name);
    const Embeddings embeddings = co_await embed(*lease, request.input, request.truncate, request.dimensions);
    Json answer = {{"model", target.shown}, {"embeddings", embeddings.vectors}};
    if (!request.input.empty()) {
        const std::chrono::nanoseconds total = std::chrono::steady_clock::now() - begun;
        answer["total_duration"] = total.count();
        answer["load_duration"] = lease->load_duration().count();
        answer["prompt_eval_count"] = embeddings.tokens;
    }
    co_await out.send_json(200, std::move(answer));
}

/// The older form: one text, its vector as the model gives it.
asio::awaitable<void> answer_embeddings(Services& services, http::Request http_request,
                                        http::ResponseWriter& out) {
    const EmbedRequest request = parse_old_embed(parse_object(http_request.body));
    const CommonFields& common = request.common;
    const Target target =
        co_await find_target(services, common.model, common.backend, std::move(http_request.app));
    Options options = options_of(target, common);
    options.load.embeddings = true;
    const Lease lease = co_await acquire(services, target, options.load, common.keep_alive);
    out.set_header("Hearth-Backend", lease->plugin().name);
    const Embeddings embeddings = co_await embed(*lease, request.input, true, std::nullopt, Scale::raw);
    Json answer = {{"embedding", Json::array()}};
    if (!embeddings.vectors.empty()) {
        answer["embedding"] = embeddings.vectors.front();
    }
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_embed_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return answer_embed(services, std::move(request), out);
    };
    auto on_old = [&services](http::Request request, http::ResponseWriter& out) {
        return answer_embeddings(services, std::move(request), out);
    };
    router.add({"POST", "/api/embeddings", http::Access::infer, http::BodySize::json, on_old});
    router.add({"POST", "/api/embed", http::Access::infer, http::BodySize::json, handler});
}

} // namespace hearth::daemon
