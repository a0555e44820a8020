#pragma once

#include <boost/asio/awaitable.hpp>

#include <string>

namespace hearth {
class Error;
}

namespace hearth::registry {

class FetchResponse;

/// What a source wants to see before it gives a file. The fetch program sends it to the URL's own origin and
/// to no other, whatever redirects say. On the io executor.
class SourceLogin {
  public:
    virtual ~SourceLogin() = default;

    /// Value for the Authorization header; empty: none.
    virtual std::string authorization() const = 0;
    /// Answers a 401 by getting what is missing.
    /// @param challenge  the WWW-Authenticate header
    /// @throws Error     registry_denied when there is nothing more to show, network_forbidden,
    /// registry_unreachable
    virtual boost::asio::awaitable<void> log_in(std::string challenge) = 0;
    /// What a 401 or 403 for `file` means here, and what a person can do.
    virtual Error refusal(const FetchResponse& response, const std::string& file) const = 0;
};

} // namespace hearth::registry
