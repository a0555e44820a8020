#include "base/error.hpp"
#include "daemon/event_bus.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/progress.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/quantize_job.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <exception>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

QuantizeRequest parse_quantize(const Json& body) {
    QuantizeRequest request;
    request.model = model_field(body);
    request.type = string_field(body, "type").value_or("");
    request.as = string_field(body, "as").value_or("");
    if (request.type.empty()) {
        throw Error(ErrorCode::invalid_argument, "type is required", "for example Q4_K_M");
    }
    return request;
}

/// Makes the model, tells the lines and the event stream.
asio::awaitable<void> run_job(Services& services, QuantizeJob& job, std::shared_ptr<LineQueue> lines) {
    const std::string name = job.name();
    auto report = [&services, name, lines](const char* status, std::uint64_t completed, std::uint64_t total) {
        Json line = {{"status", status}, {"total", total}, {"completed", completed}};
        Json event = line;
        event["model"] = name;
        services.events.publish("quantize.progress", std::move(event), name);
        lines->push(std::move(line), status);
    };
    try {
        Json answer = co_await job.run(std::move(report));
        services.events.publish("quantize.done", {{"model", answer.at("model")}});
        lines->push(std::move(answer));
    } catch (...) {
        const Error error = to_error(std::current_exception());
        Json event = {{"model", name}, {"error", error.what()}, {"code", code_name(error.code())}};
        services.events.publish("quantize.failed", std::move(event));
        throw;
    }
}

asio::awaitable<void> answer(Services& services, QuantizeJob& job, bool stream, http::ResponseWriter& out) {
    co_await job.prepare(); // what is refused here has a status of its own
    auto lines =
        std::make_shared<LineQueue>(co_await asio::this_coro::executor); // shared with the job's callback
    if (stream) {
        co_await write_progress(out, lines, run_job(services, job, lines));
        co_return;
    }
    co_await run_job(services, job, lines);
    lines->close();
    Json last;
    while (auto line = co_await lines->next()) {
        last = std::move(*line);
    }
    co_await out.send_json(200, std::move(last));
}

asio::awaitable<void> quantize(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const Json body = parse_object(http_request.body);
    QuantizeRequest request = parse_quantize(body);
    request.model = co_await real_name(services, std::move(request.model), std::move(http_request.app));
    const bool stream = flag_field(body, "stream").value_or(true);
    QuantizeJob job(services, std::move(request));
    std::exception_ptr failure;
    try {
        co_await answer(services, job, stream, out);
    } catch (...) {
        failure = std::current_exception();
    }
    // Here, not in clean: a cancelled coroutine does not even enter the next one.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await job.clean();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

} // namespace

void add_quantize_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return quantize(services, std::move(request), out);
    };
    router.add({"POST", "/hearth/v1/quantize", http::Access::full, http::BodySize::json, handler});
}

} // namespace hearth::daemon
