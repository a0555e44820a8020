#pragma once

#include "base/unique_fd.hpp"
#include "daemon/http/server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace hearth::daemon::http::testing {

/// The client's end of a socketpair: blocking, with a limit of ten seconds on every read.
class Client {
  public:
    explicit Client(UniqueFd socket);

    void send(const std::string& bytes);
    /// Ends the client's sending side; it can still read.
    void end_sending();
    void close() { socket_.reset(); }
    int fd() const { return socket_.get(); }

    /// One more piece of at most `limit` bytes; empty at the end.
    std::string read_piece(std::size_t limit = 65536);
    /// Until `text` has been read; what was read before it stays in the result.
    std::string read_until(const std::string& text);
    std::string read_to_end();

    struct Response {
        int status = 0;
        std::string head;
        std::string body; ///< chunks joined
    };
    /// One answer by its length or chunks; fails the test when there is none.
    Response read_response(bool head_only = false);

  private:
    std::string take(std::size_t length);

    UniqueFd socket_;
    std::string buffer_;
};

/// A server on a thread of its own, and routes that a test adds before `start`.
class HttpServer : public ::testing::Test {
  protected:
    HttpServer();
    ~HttpServer() override;

    void add_route(std::string method, std::string pattern, Handler handler, Access access = Access::infer,
                   BodySize body = BodySize::json);
    void start();
    Client connect(Access access = Access::full);
    /// `GET path` on a new connection.
    Client::Response get(const std::string& path, Access access = Access::full);
    void stop(std::chrono::milliseconds drain = std::chrono::milliseconds(0));

    boost::asio::io_context io_{1};
    Router router_;
    Limits limits_;
    std::unique_ptr<Server> server_;

  private:
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    std::thread thread_;
};

/// "POST path" with a JSON body.
std::string post(const std::string& path, const std::string& body, const std::string& more_headers = {});

} // namespace hearth::daemon::http::testing
