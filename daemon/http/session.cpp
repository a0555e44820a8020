#include "daemon/http/session.hpp"

#include "base/async/timeout.hpp"
#include "base/log.hpp"
#include "daemon/http/body_reader.hpp"
#include "daemon/http/door.hpp"
#include "daemon/http/site.hpp"
#include "protocol/error_table.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::daemon::http {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

/// A page of a listed origin may read this answer.
void allow_origin(ResponseWriter& out, std::string_view origin) {
    out.set_header("Access-Control-Allow-Origin", std::string(origin));
    out.set_header("Vary", "Origin");
}

/// Which methods and headers such a page may send; browsers send no token with this question.
asio::awaitable<void> answer_preflight(const Head& head, ResponseWriter& out) {
    out.set_header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE");
    const std::string_view headers = head.field("access-control-request-headers");
    if (!headers.empty()) {
        out.set_header("Access-Control-Allow-Headers", std::string(headers));
    }
    if (head.field("access-control-request-private-network") == "true") {
        out.set_header("Access-Control-Allow-Private-Network", "true");
    }
    out.set_header("Access-Control-Max-Age", "600");
    co_await out.send(204, "", "");
}

Error no_route(const Router::Match& match, const std::string& path, const std::string& method) {
    if (match.allow.empty()) {
        return Error(ErrorCode::route_not_found, "no such path: " + path,
                     "GET /hearth/v1/capabilities lists what is served");
    }
    return Error(ErrorCode::method_not_allowed, path + " does not answer " + method,
                 "allowed: " + match.allow);
}

/// Rules 6 and 7 of a TCP door.
/// @throws Error route_not_found, method_not_allowed, forbidden, media_type
void check_route(const Router::Match& match, const Request& request, const Head& head) {
    if (match.route == nullptr) {
        throw no_route(match, request.path, head.method);
    }
    if (match.route->served == Served::socket_only) {
        throw Error(ErrorCode::forbidden, request.path + " is served on api.sock alone");
    }
    if (request.access == Access::infer && match.route->access != Access::infer) {
        throw Error(ErrorCode::forbidden, request.path + " needs a token of full rights",
                    "hearth token create NAME --scope full; without one, inference and listing are served");
    }
    check_content_type(head);
}

} // namespace

Session::Session(asio::any_io_executor executor, UniqueFd socket, const Router& router, const Limits& limits,
                 Peer peer)
    : connection_(std::move(executor), std::move(socket),
                  peer.door == nullptr ? nullptr : peer.door->certificate()),
      router_(router), limits_(limits), peer_(std::move(peer)) {}

void Session::drain() {
    draining_ = true;
    if (idle_) {
        connection_.close();
    }
}

asio::awaitable<void> Session::run() {
    try {
        co_await connection_.shake_hands(limits_.header_deadline);
        for (bool open = true; open && !draining_;) {
            HeadFault fault{400, ""};
            auto head = co_await read_head(fault);
            if (!head && fault.reason.empty()) {
                break; // the client left between two requests
            }
            if (!head) {
                co_await refuse(std::move(fault));
                break;
            }
            open = co_await serve(std::move(*head));
            if (buffer_.empty()) {
                std::string().swap(buffer_); // an idle connection holds no memory
            }
        }
    } catch (const Error& error) {
        log::debug("http", std::string("connection ended: ") + error.what());
    }
    connection_.close();
}

asio::awaitable<std::optional<Head>> Session::read_head(HeadFault& fault) {
    connection_.take_early(buffer_);
    idle_ = buffer_.empty();
    pipelined_ = idle_ ? 0 : pipelined_ + 1;
    if (pipelined_ > limits_.pipelined_requests) {
        fault = {400, "too many requests were sent before their turn"};
        co_return std::nullopt;
    }
    Clock::time_point deadline = Clock::now() + (idle_ ? limits_.idle : limits_.header_deadline);
    for (;;) {
        const auto end = buffer_.find("\r\n\r\n");
        if (end != std::string::npos) {
            const std::string text = buffer_.substr(0, end + 4);
            buffer_.erase(0, end + 4);
            co_return parse_head(text, limits_, fault);
        }
        if (auto found = find_prefix_fault(buffer_, limits_)) {
            fault = std::move(*found);
            co_return std::nullopt;
        }
        const auto left = std::max(Clock::duration::zero(), deadline - Clock::now());
        if (co_await connection_.read_some(buffer_, left) == 0) {
            co_return std::nullopt;
        }
        if (idle_) {
            idle_ = false;
            deadline = Clock::now() + limits_.header_deadline;
        }
    }
}

asio::awaitable<std::string> Session::read_body(Head head, std::uint64_t limit) {
    BodyReader reader(head, limit, limits_);
    if (head.expects_continue && buffer_.empty()) {
        std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await connection_.write(std::move(go_on), limits_.write_stall);
    }
    const auto begin = Clock::now();
    std::uint64_t received = buffer_.size();
    for (reader.feed(buffer_); !reader.done(); reader.feed(buffer_)) {
        const auto elapsed = Clock::now() - begin;
        const auto earned =
            std::chrono::seconds(received / limits_.body_bytes_per_second) + limits_.body_grace;
        if (elapsed > earned) {
            throw Error(ErrorCode::timeout, "the client was too slow sending");
        }
        const std::size_t length = co_await connection_.read_some(buffer_, earned - elapsed);
        if (length == 0) {
            throw Error(ErrorCode::cancelled, "the client left in the middle of a request");
        }
        received += length;
    }
    co_return reader.take();
}

asio::awaitable<void> Session::refuse(HeadFault fault) {
    ResponseWriter::Options options;
    options.keep_alive = false;
    options.write_stall = limits_.write_stall;
    ResponseWriter out(connection_, options);
    const ErrorCode code =
        fault.status == 400 || fault.status == 417 ? ErrorCode::invalid_argument : ErrorCode::too_large;
    const Error error(code, fault.reason);
    Json body = protocol::error_json(error);
    co_await out.send_json(fault.status, std::move(body));
    co_await connection_.close_gently();
}

asio::awaitable<bool> Session::admit(const Head& head, Request& request, ResponseWriter& out) {
    Door& door = *peer_.door;
    out.set_header("X-Content-Type-Options", "nosniff");
    if (door.site() != nullptr) {
        for (const auto& [name, value] : door.site()->headers) {
            out.set_header(name, value);
        }
    }
    const std::string_view origin = door.check_origin(head, peer_);
    if (!origin.empty()) {
        allow_origin(out, origin);
    }
    if (is_preflight(head)) {
        co_await answer_preflight(head, out);
        co_return true;
    }
    token_id_.clear();
    if (!is_of_site(head)) {
        co_await check_token(head, request, out);
    }
    co_return false;
}

bool Session::is_of_site(const Head& head) const {
    const Site* site = peer_.door == nullptr ? nullptr : peer_.door->site();
    const std::string_view path = std::string_view(head.target).substr(0, head.target.find('?'));
    return site != nullptr && site->routes.find(head.method, path).route != nullptr;
}

asio::awaitable<void> Session::check_token(const Head& head, Request& request, ResponseWriter& out) {
    Door& door = *peer_.door;
    Admission admission;
    std::exception_ptr failure;
    try {
        admission = door.admit(head);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        if (Door::presents_token(head)) {
            const auto wait = door.failed_tokens().count(peer_.remote.address(), Clock::now(), limits_);
            co_await sleep_for(wait);
        }
        out.set_header("WWW-Authenticate", "Bearer realm=\"hearth\"");
        std::rethrow_exception(failure);
    }
    token_id_ = std::move(admission.token_id);
    request.access = admission.access;
    request.app = std::move(admission.app);
}

asio::awaitable<Session::Received> Session::receive(const Head& head, Request& request, ResponseWriter& out) {
    Received received;
    if (peer_.door != nullptr && co_await admit(head, request, out)) {
        received.answered = true;
        co_return received;
    }
    parse_target(head.target, request);
    const Router& routes = is_of_site(head) ? peer_.door->site()->routes : router_;
    received.match = routes.find(head.method, request.path);
    const Route* route = received.match.route;
    if (peer_.door != nullptr) {
        check_route(received.match, request, head);
    }
    if (route != nullptr && route->upload) {
        out.set_keep_alive(false); // what the handler leaves unread would be taken for the next request
        received.upload = std::make_unique<BodySource>(connection_, buffer_, head, limits_);
        co_return received;
    }
    const bool large = route != nullptr && route->body == BodySize::large;
    request.body = co_await read_body(head, large ? limits_.large_body_bytes : limits_.json_body_bytes);
    co_return received;
}

asio::awaitable<bool> Session::serve(Head head) {
    Request request;
    request.access = peer_.access;
    request.app = peer_.app;
    ResponseWriter::Options options{.minor_version = head.minor_version,
                                    .keep_alive = head.keep_alive && !draining_,
                                    .head_only = head.method == "HEAD",
                                    .style = Router::error_style(head.target),
                                    .write_stall = limits_.write_stall};
    ResponseWriter out(connection_, options);
    std::optional<Error> fault;
    Received received;
    try {
        received = co_await receive(head, request, out);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
        fault = error;
    }
    if (fault) { // the body was not read to its end: the connection cannot go on
        log::debug("http", std::string("refused: ") + fault->what());
        out.set_keep_alive(false);
        co_await out.send_error(std::move(*fault));
        co_await connection_.close_gently();
        co_return false;
    }
    if (received.answered) {
        co_return out.keep_alive() && !head.has_body();
    }
    request.method = head.method == "HEAD" ? "GET" : head.method;
    request.parameters = std::move(received.match.parameters);
    request.fields = std::move(head.fields);
    if (received.match.route == nullptr) {
        if (!received.match.allow.empty()) {
            out.set_header("Allow", received.match.allow);
        }
        const Error error = no_route(received.match, request.path, head.method);
        co_await out.send_error(error);
        co_return out.keep_alive();
    }
    co_return co_await answer(std::move(received), std::move(request), out);
}

asio::awaitable<bool> Session::answer(Received received, Request request, ResponseWriter& out) {
    using namespace asio::experimental::awaitable_operators; // NOLINT: the operators live in no other
                                                             // namespace
    const Route* route = received.match.route;
    if (received.upload) {
        co_await (handle_upload(route, std::move(request), std::move(*received.upload), out) ||
                  connection_.wait_closed());
        co_await connection_.close_gently();
        co_return false;
    }
    auto answered =
        co_await (handle(route, route->handler, std::move(request), out) || connection_.wait_closed());
    co_return answered.index() == 0 && out.keep_alive() && !draining_;
}

asio::awaitable<void> Session::handle_upload(const Route* route, Request request, BodySource body,
                                             ResponseWriter& out) {
    const Handler handler = [route, &body](Request wanted, ResponseWriter& answer) {
        return route->upload(std::move(wanted), body, answer);
    };
    co_await handle(route, handler, std::move(request), out);
}

asio::awaitable<void> Session::handle(const Route* route, const Handler& handler, Request request,
                                      ResponseWriter& out) {
    std::exception_ptr failure;
    try {
        if (request.access == Access::infer && route->access != Access::infer) {
            throw Error(ErrorCode::forbidden, request.path + " is not served on this socket",
                        "infer.sock serves inference and listing; use api.sock");
        }
        co_await handler(std::move(request), out);
        co_await out.finish();
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) {
        co_return;
    }
    Error error = to_error(failure);
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
        co_return; // the client is gone, or the server stops
    }
    if (error.code() == ErrorCode::internal) {
        log::error("http", std::string("a handler failed: ") + error.what());
    }
    failure = nullptr;
    try {
        co_await out.send_error(std::move(error));
    } catch (...) {
        log::debug("http", "the client left before its error arrived");
        out.set_keep_alive(false);
    }
}

} // namespace hearth::daemon::http
