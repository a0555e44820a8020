#pragma once

#include "base/json.hpp"
#include "protocol/sse.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::protocol {

/// What to ask the service.
struct ClientRequest {
    std::string method = "GET";
    std::string target;                             ///< path and query, e.g. "/api/tags"
    std::string body;                               ///< JSON text; empty: none
    std::optional<std::chrono::milliseconds> limit; ///< for the whole exchange; absent: none
};

/// HTTP/1.1 to the service over its Unix socket, blocking, one connection for each request. A plain value
/// without threads, made for programs that start, ask and end. An answer of 400 or more is thrown as the
/// Error that its body holds.
///
/// Every request may throw Error: daemon_unreachable (nobody listens, or the connection broke), cancelled
/// (the interrupt descriptor became readable; the connection is closed, which is how the service learns of
/// it), timeout, protocol.
class Client {
  public:
    /// Bytes of a streamed answer, as they come.
    using BytesHandler = std::function<void(std::string_view)>;
    using JsonHandler = std::function<void(const Json&)>;
    using EventHandler = SseSplitter::EventHandler;

    /// @param interrupt_fd  -1, or a descriptor that is readable when the running request shall end; not
    /// owned, never read
    explicit Client(std::filesystem::path socket, int interrupt_fd = -1);

    /// Whether somebody listens; asks nothing.
    bool reachable() const;
    /// The whole answer, as JSON; null when the body is empty.
    Json ask(const ClientRequest& request) const;
    Json get(const std::string& target) const;
    Json post(const std::string& target, const Json& body) const;

    /// Streams an NDJSON answer. A line with an `error` member is thrown as the Error it holds.
    void stream_lines(const ClientRequest& request, const JsonHandler& on_value) const;
    /// Streams a server-sent-events answer.
    void stream_events(const ClientRequest& request, const EventHandler& on_event) const;
    /// Streams the body as bytes.
    void stream_bytes(const ClientRequest& request, const BytesHandler& on_bytes) const;

    const std::filesystem::path& socket() const noexcept { return socket_; }

  private:
    std::filesystem::path socket_;
    int interrupt_fd_;
};

} // namespace hearth::protocol
