#pragma once

#include "daemon/http/body_reader.hpp"
#include "daemon/http/head.hpp"
#include "daemon/http/limits.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace hearth::daemon::http {

class Connection;

/// The body of an upload as it arrives: a handler takes it piece by piece, so that a model never lies in our
/// memory. What the handler leaves is never read. Owned by the session, for one request; on the io executor.
class BodySource {
  public:
    /// @param buffer  bytes of the connection that have arrived and are not used yet
    /// @throws Error  too_large when Content-Length is over the limit of uploads
    BodySource(Connection& connection, std::string& buffer, const Head& head, const Limits& limits);

    /// The next bytes, at most about `piece_bytes`; empty at the end.
    /// @throws Error  too_large, invalid_argument (bad chunks), timeout (too slow), cancelled (the client
    /// left)
    boost::asio::awaitable<std::string> next();
    /// What the client announced; nothing when it sends chunks.
    std::optional<std::uint64_t> length() const noexcept { return length_; }
    bool done() const;

    static constexpr std::size_t piece_bytes = 1u << 20;

  private:
    void take(std::string& piece);
    boost::asio::awaitable<void> receive();

    Connection& connection_;
    std::string& buffer_;
    const Limits& limits_;
    std::optional<std::uint64_t> length_;
    std::uint64_t left_ = 0;             ///< of a body with a length
    std::unique_ptr<BodyReader> chunks_; ///< of one without
    bool continue_wanted_;
    std::uint64_t received_ = 0;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

} // namespace hearth::daemon::http
