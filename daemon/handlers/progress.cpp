#include "daemon/handlers/progress.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <nlohmann/json.hpp>

#include <exception>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> run(asio::awaitable<void> work, std::shared_ptr<LineQueue> lines,
                          std::exception_ptr& failure) {
    try {
        co_await std::move(work);
    } catch (...) {
        failure = std::current_exception();
    }
    lines->close();
}

asio::awaitable<void> write(http::ResponseWriter& out, std::shared_ptr<LineQueue> lines) {
    while (auto line = co_await lines->next()) {
        co_await out.write_json(std::move(*line));
    }
}

} // namespace

Json progress_json(const registry::PullProgress& progress) {
    Json line = {{"status", progress.status}};
    if (progress.digest) {
        line["digest"] = progress.digest->text();
    }
    if (progress.digest || progress.total_bytes > 0) { // a url's digest is not known before its last byte
        line["total"] = progress.total_bytes;
    }
    if (progress.completed_bytes > 0) {
        line["completed"] = progress.completed_bytes;
    }
    return line;
}

asio::awaitable<void> write_progress(http::ResponseWriter& out, std::shared_ptr<LineQueue> lines,
                                     asio::awaitable<void> work) {
    using namespace asio::experimental::awaitable_operators; // NOLINT: the operators live in no other
                                                             // namespace
    out.begin_ndjson();
    std::exception_ptr failure;
    co_await (run(std::move(work), lines, failure) && write(out, lines));
    if (failure) {
        std::rethrow_exception(failure);
    }
}

} // namespace hearth::daemon
