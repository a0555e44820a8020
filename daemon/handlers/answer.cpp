#include "daemon/handlers/answer.hpp"

#include "base/error.hpp"
#include "base/time.hpp"

namespace hearth::daemon {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

/// Token, probability, bytes, alternatives: what Ollama shows of them.
Json shown_logprobs(const Json& tokens) {
    Json rows = Json::array();
    for (const Json& token : tokens) {
        Json row = Json::object();
        for (const char* key : {"token", "logprob", "bytes"}) {
            if (token.contains(key)) {
                row[key] = token[key];
            }
        }
        if (const auto others = token.find("top_logprobs"); others != token.end() && !others->empty()) {
            row["top_logprobs"] = shown_logprobs(*others);
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace

AnswerStream::AnswerStream(std::unique_ptr<runtime::RequestStream> events)
    : events_(std::move(events)), begun_(Clock::now()), first_(begun_), last_(begun_) {}

asio::awaitable<std::optional<Piece>> AnswerStream::next() {
    while (events_) {
        std::optional<std::string> event = co_await events_->next();
        last_ = Clock::now();
        Piece piece;
        if (event) {
            piece = translator_.feed(Json::parse(*event, nullptr, false));
        } else {
            events_.reset();
            piece = translator_.finish();
        }
        if (!piece.empty()) {
            first_ = pieces_++ == 0 ? last_ : first_;
            co_return piece;
        }
    }
    co_return std::nullopt;
}

AnswerMetrics AnswerStream::metrics() const {
    AnswerMetrics metrics = translator_.metrics();
    const auto nanoseconds = [](Clock::duration duration) {
        return std::chrono::nanoseconds(duration).count();
    };
    if (metrics.answer_tokens == 0) {
        metrics.answer_tokens = pieces_;
    }
    if (metrics.prompt_nanoseconds == 0 && pieces_ > 0) {
        metrics.prompt_nanoseconds = nanoseconds(first_ - begun_);
    }
    if (metrics.answer_nanoseconds == 0 && pieces_ > 0) {
        metrics.answer_nanoseconds = nanoseconds(last_ - first_);
    }
    return metrics;
}

Json AnswerShape::chunk(const Piece& piece) const {
    Json result = {{"model", model}, {"created_at", to_rfc3339(system_clock().now())}, {"done", false}};
    Json& holder = kind == Kind::chat ? result["message"] : result;
    if (kind == Kind::chat) {
        holder["role"] = "assistant";
    }
    holder[kind == Kind::chat ? "content" : "response"] = piece.text;
    if (!piece.thinking.empty()) {
        holder["thinking"] = piece.thinking;
    }
    if (!piece.tool_calls.is_null()) {
        holder["tool_calls"] = piece.tool_calls;
    }
    if (!piece.logprobs.is_null()) {
        result["logprobs"] = shown_logprobs(piece.logprobs);
    }
    return result;
}

Json AnswerShape::last(const Piece& rest, const AnswerMetrics& metrics,
                       std::chrono::steady_clock::time_point begun,
                       std::chrono::nanoseconds load_duration) const {
    const std::chrono::nanoseconds total = std::chrono::steady_clock::now() - begun;
    Json result = chunk(rest);
    result.update(metrics_json(metrics, total.count(), load_duration.count()));
    result["done"] = true;
    return result;
}

Json AnswerShape::done(const std::string& reason) const {
    const Piece nothing;
    Json result = chunk(nothing);
    result["done"] = true;
    result["done_reason"] = reason;
    return result;
}

asio::awaitable<Piece> relay(AnswerStream& answer, AnswerShape shape, bool stream,
                             http::ResponseWriter& out) {
    Piece whole;
    if (stream) {
        out.begin_ndjson();
    }
    while (auto piece = co_await answer.next()) {
        if (stream) {
            Json line = shape.chunk(*piece);
            co_await out.write_json(std::move(line));
        }
        whole.add(std::move(*piece));
    }
    co_return whole;
}

asio::awaitable<void> finish(Json last, bool stream, http::ResponseWriter& out) {
    if (stream) {
        co_await out.write_json(std::move(last));
    } else {
        co_await out.send_json(200, std::move(last));
    }
}

} // namespace hearth::daemon
