#pragma once

#include "registry/pull/fetch_request.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The seam between the pull engine and the network: the engine asks, `hearth-fetch` (or a test) answers.
namespace hearth::registry {

/// An answer whose body is read piece by piece. Destroying it ends the transfer.
class FetchResponse {
  public:
    virtual ~FetchResponse() = default;
    virtual int status() const = 0;
    /// Value of a header, name in lower case; empty when absent.
    virtual std::string header(const std::string& lower_case_name) const = 0;
    virtual std::string final_url() const = 0;
    /// The next bytes of the body, nullopt at its proper end.
    /// @throws Error  registry_unreachable (cut, stalled), too_large, cancelled
    virtual boost::asio::awaitable<std::optional<std::string>> read() = 0;
};

class Fetcher {
  public:
    virtual ~Fetcher() = default;
    /// Returns when the status line and headers are there. Redirects (at most 5) are followed by the fetcher
    /// under its policy.
    /// @throws Error  registry_unreachable, network_forbidden
    virtual boost::asio::awaitable<std::unique_ptr<FetchResponse>> get(FetchRequest request) = 0;
};

} // namespace hearth::registry
