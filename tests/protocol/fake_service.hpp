#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hearth::testing {

/// One request as it came, and the connection to answer on.
struct FakeExchange {
    std::string method;
    std::string target;
    std::string body;
    int fd = -1;

    /// Sends bytes as they are; a peer that has gone is no error.
    void send(const std::string& bytes) const;
    /// A whole answer with a length.
    void answer(int status, const std::string& body_text) const;
    /// Head of a chunked answer, its pieces, its end.
    void begin_chunks() const;
    void chunk(const std::string& bytes) const;
    void end_chunks() const;
    /// Returns when the client has closed its side.
    void wait_for_hangup() const;
};

/// A stand-in for hearthd on a Unix socket: answers one connection after the other on a thread of its own,
/// each with the handler of its "METHOD /target"; 404 for what has none. It holds the lock beside the socket, by which
/// clients tell a service that runs from one that sleeps.
class FakeService {
  public:
    using Handler = std::function<void(const FakeExchange&)>;

    explicit FakeService(std::filesystem::path socket);
    ~FakeService();
    FakeService(const FakeService&) = delete;

    void on(const std::string& route, Handler handler);
    /// A JSON answer.
    void on(const std::string& route, int status, const std::string& body);
    /// An NDJSON answer, a chunk for each line.
    void on_lines(const std::string& route, std::vector<std::string> lines);

    /// From now on it looks like somebody who listens in place of a service that sleeps.
    void let_go_of_lock() { lock_.reset(); }

    const std::filesystem::path& socket() const noexcept { return socket_; }
    /// Everything asked so far, in order.
    std::vector<FakeExchange> requests() const;
    /// Body of the last request to that route; empty when there was none.
    std::string last_body(const std::string& route) const;

  private:
    void serve();
    void serve_one(int fd);

    std::filesystem::path socket_;
    UniqueFd listener_;
    UniqueFd lock_;
    mutable std::mutex mutex_; // guards the two below
    std::map<std::string, Handler> handlers_;
    std::vector<FakeExchange> requests_;
    std::thread thread_;
};

} // namespace hearth::testing
