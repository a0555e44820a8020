#pragma once

#include "base/error.hpp"
#include "base/json.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace hearth::daemon::http {

class Connection;

/// The shape of error bodies.
enum class ErrorStyle {
    hearth,    ///< {"error","code","hint"}
    openai,    ///< {"error":{"message","type","param","code"}}
    anthropic, ///< {"type":"error","error":{"type","message","code","hint"}}
};

/// The answer to one request. A handler sends one whole answer, or begins a stream and writes pieces: each is
/// flushed at once and waits for the client's socket. Lives as long as the request; owned by the session.
/// Every call throws Error(cancelled) when the client went away.
class ResponseWriter {
  public:
    struct Options {
        int minor_version = 1;
        bool keep_alive = true;
        bool head_only = false; ///< HEAD: headers of the GET, no body
        ErrorStyle style = ErrorStyle::hearth;
        std::chrono::steady_clock::duration write_stall = std::chrono::seconds(30);
    };
    ResponseWriter(Connection& connection, Options options);
    ResponseWriter(const ResponseWriter&) = delete;

    /// Goes with the answer's head; call it before the first send or write.
    void set_header(std::string name, std::string value);

    boost::asio::awaitable<void> send_json(int status, Json value);
    boost::asio::awaitable<void> send_text(int status, std::string text);
    boost::asio::awaitable<void> send(int status, std::string content_type, std::string body);

    /// NDJSON: one object a line. The head leaves with the first line, so that an error before it still has
    /// its status.
    void begin_ndjson();
    /// Server-sent events: `data: {…}`.
    void begin_sse();
    /// One line or event of the stream.
    boost::asio::awaitable<void> write_json(Json value);
    /// One named event of a stream of server-sent events: `event: name`, `data: {…}`.
    boost::asio::awaitable<void> write_event(std::string name, Json value);
    /// Text as it is: framing is the caller's ("event: x\n", ": heartbeat\n\n", "data: [DONE]\n\n").
    boost::asio::awaitable<void> write_raw(std::string text);
    /// Ends the stream well. The session calls it too.
    boost::asio::awaitable<void> finish();

    /// The error in this route's shape: a whole answer, or the last line of a stream that has begun.
    boost::asio::awaitable<void> send_error(Error error);

    bool started() const noexcept { return head_sent_; }
    /// False when the client cannot know where this answer ends, or asked to close.
    bool keep_alive() const noexcept { return options_.keep_alive; }
    void set_keep_alive(bool keep) noexcept { options_.keep_alive = keep && options_.keep_alive; }

  private:
    enum class Stream { none, ndjson, sse };

    std::string head(int status, const std::string& content_type, std::optional<std::size_t> length) const;
    std::string error_text(const Error& error) const;
    /// As the last piece of a stream.
    std::string error_piece(const Error& error) const;

    Connection& connection_;
    Options options_;
    std::vector<std::pair<std::string, std::string>> headers_;
    Stream stream_ = Stream::none;
    bool head_sent_ = false;
    bool finished_ = false;
};

/// "Not Found".
const char* reason_phrase(int status) noexcept;

} // namespace hearth::daemon::http
