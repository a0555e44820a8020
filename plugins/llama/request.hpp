#pragma once

#include "plugins/llama/failure.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

struct server_http_res;

namespace hearth::llama {

class Model;

/// One request: checked and translated at creation, answered by the engine's own handler in `run`, on the
/// caller's thread.
class Request {
  public:
    /// @throws Failure  HEARTH_E_INVALID, HEARTH_E_UNSUPPORTED, HEARTH_E_CONTEXT
    Request(const Model& model, std::string_view operation, hearth_str body);
    Request(const Request&) = delete;

    /// Blocks until the answer is complete. @throws Failure
    void run(const hearth_sink& sink);
    /// Any thread. The engine is told at its next token, at the latest after one second.
    void cancel() noexcept { cancelled_.store(true); }

  private:
    enum class Operation { chat, complete, embed, tokenize, render_template, count };

    void prepare(Json body);
    void stream(server_http_res& response, const hearth_sink& sink);
    /// One event of the engine, without its framing.
    void take_event(std::string_view event, const hearth_sink& sink);
    void take_chat_event(std::string_view event, const hearth_sink& sink);
    void take_answer(const std::string& answer, const hearth_sink& sink);
    /// Takes the stop text that was met out of what the engine says for debugging.
    void take_stop_word(Json& event);
    /// Puts it beside the reason of the end: choices[0].stop_reason.
    void show_stop_word(Json& event);
    void give(std::string_view event, const hearth_sink& sink);
    [[noreturn]] void throw_cancelled() const;

    const Model& model_;
    Operation operation_;
    std::string body_;
    std::int64_t tokens_ = 0; ///< of embed
    std::atomic<bool> cancelled_ = false;
    const std::function<bool()> should_stop_ = [this] { return cancelled_.load(); };
    std::string stop_word_;    ///< that ended the answer
    std::optional<Json> held_; ///< the chunk with the finish reason, which waits for usage and timings
};

} // namespace hearth::llama
