#pragma once

#include "base/async/blocking.hpp"
#include "base/json.hpp"
#include "daemon/handlers/services.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace hearth::daemon {

/// Bodies above this are parsed and built off the io thread: style A7.
inline constexpr std::size_t heavy_json_bytes = 1u << 20;

/// The object in a request's body. @throws Error invalid_argument: missing, not JSON, not an object
Json parse_object(const std::string& body);

/// As above, where schemas and the arguments of calls keep the client's order (base/json_order.hpp).
Json parse_ordered_object(const std::string& body);

/// Runs `work` here when `bytes` are few, else on the workers. Name the callable before the co_await (style
/// A1).
template <class Work, class Result = std::invoke_result_t<Work>>
boost::asio::awaitable<Result> run_sized(Services& services, std::size_t bytes, Work work) {
    if (bytes > heavy_json_bytes) {
        co_return co_await run_blocking(services.workers, std::move(work));
    }
    co_return work();
}

} // namespace hearth::daemon
