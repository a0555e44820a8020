#pragma once

#include "base/unique_fd.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hearth::registry::testing {

struct ServerRequest {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers; ///< names in lower case
};

/// The server's end of one connection.
class ServerPeer {
  public:
    explicit ServerPeer(int fd) : fd_(fd) {}
    /// @return false when the client is gone
    bool send(std::string_view bytes);
    /// Blocks until the client closes.
    void wait_until_closed();

  private:
    int fd_;
};

/// A raw HTTP/1.1 server on loopback whose answers are written byte by byte by the test. One thread per
/// connection.
class ScriptedServer {
  public:
    /// Writes the whole answer. @return true to keep the connection
    using Handler = std::function<bool(const ServerRequest&, ServerPeer&)>;

    explicit ScriptedServer(Handler handler);
    ~ScriptedServer();

    std::string url(const std::string& target = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + target;
    }
    int connections() const { return connections_; }
    std::vector<ServerRequest> requests() const;

  private:
    void accept_all();
    void serve(int fd);

    Handler handler_;
    UniqueFd listener_;
    int port_ = 0;
    std::atomic<int> connections_ = 0;
    mutable std::mutex mutex_;
    std::vector<ServerRequest> requests_;
    std::vector<int> open_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

/// A whole answer.
std::string http_answer(int status, const std::string& body, const std::string& extra_headers = {});

} // namespace hearth::registry::testing
