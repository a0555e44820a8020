#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The seam between the pull engine and the network: the engine asks, `hearth-fetch` (or a test) answers.
namespace hearth::registry {

/// One GET. Has no field that could hold a prompt.
struct FetchRequest {
    std::string url;            ///< https, or http to a loopback host
    std::string accept;         ///< Accept header, may be empty
    std::string authorization;  ///< sent to the url's own scheme, host and port only, never after a redirect to another
    std::uint64_t range_from = 0; ///< > 0: `Range: bytes=N-`
    std::string if_range;         ///< validator for the range, may be empty
    std::uint64_t max_bytes = 0;  ///< the body is cut and an error raised past this; 0: none
    bool head_only = false;
};

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
    /// Returns when the status line and headers are there. Redirects (at most 5) are followed by the fetcher under its policy.
    /// @throws Error  registry_unreachable, network_forbidden
    virtual boost::asio::awaitable<std::unique_ptr<FetchResponse>> get(FetchRequest request) = 0;
};

} // namespace hearth::registry
