#pragma once

#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/translate.hpp"
#include "daemon/http/response_writer.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace hearth::daemon {

/// A runner's events as pieces of an answer. Destroying it cancels the request in the runner.
class AnswerStream {
  public:
    explicit AnswerStream(std::unique_ptr<runtime::RequestStream> events);

    /// The next piece that adds something; nullopt at the end. @throws Error what the backend or its runner
    /// did
    boost::asio::awaitable<std::optional<Piece>> next();
    /// After the end; durations that the backend did not tell are ours.
    AnswerMetrics metrics() const;
    const std::vector<std::int64_t>& tokens() const noexcept { return translator_.tokens(); }

  private:
    using Steady = std::chrono::steady_clock::time_point;

    std::unique_ptr<runtime::RequestStream> events_;
    AnswerTranslator translator_;
    Steady begun_;
    Steady first_;
    Steady last_;
    std::int64_t pieces_ = 0;
};

/// How Ollama's two endpoints show an answer.
struct AnswerShape {
    enum class Kind { generate, chat };
    Kind kind;
    std::string model; ///< as the client wrote it

    /// {"model", "created_at", "response" or "message", "done": false}
    Json chunk(const Piece& piece) const;
    /// The object that ends an answer: done, with why, counts and durations.
    /// @param rest   what was not written yet: the whole answer, or nothing after a stream
    /// @param begun  when the request came, for total_duration
    Json last(const Piece& rest, const AnswerMetrics& metrics, std::chrono::steady_clock::time_point begun,
              std::chrono::nanoseconds load_duration) const;
    /// The object that a request without prompt gets.
    Json done(const std::string& reason) const;
};

/// Writes each piece as a line when `stream`. @return the whole answer
boost::asio::awaitable<Piece> relay(AnswerStream& answer, AnswerShape shape, bool stream,
                                    http::ResponseWriter& out);

/// The last line, or the only object.
boost::asio::awaitable<void> finish(Json last, bool stream, http::ResponseWriter& out);

} // namespace hearth::daemon
