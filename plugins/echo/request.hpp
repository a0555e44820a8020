#pragma once

#include "plugins/echo/model.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace hearth::echo {

/// One request: what it will say is settled at creation; `run` says it.
/// Body members that drive tests, also as defaults in the load options: "echo_delay_ms" before each word,
/// "echo_repeat": say the text n times, "echo_fail_after", "echo_crash_after", "echo_hang_after": after n
/// words fail, abort() or stall until cancelled ("echo_deaf": true stalls for ever). "echo_call": true, or a
/// "tool_choice" of "required", calls the first of the tools with the question as its argument "text".
class Request {
  public:
    /// @throws Failure  HEARTH_E_INVALID, HEARTH_E_UNSUPPORTED, HEARTH_E_CONTEXT
    Request(Model& model, std::string operation, const Json& body);
    ~Request();
    Request(const Request&) = delete;

    /// Blocks until the answer is complete. @throws Failure HEARTH_E_CANCELLED and what tests asked for
    void run(const hearth_sink& sink);
    /// Any thread, any time.
    void cancel();
    bool cancelled() const noexcept { return cancelled_.load(); }
    /// Sets the flag alone; the caller wakes the model's waiters.
    void set_cancelled() noexcept;

  private:
    void prepare_text(const Json& body, std::string text, std::int64_t prompt_tokens);
    void prepare_chat(const Json& body);
    void prepare_call(const Json& body, const std::string& question);
    void prepare_complete(const Json& body);
    void prepare_single(const Json& body);

    void say(const hearth_sink& sink);
    void misbehave(std::size_t words_said);
    void pause(std::int64_t milliseconds);
    void write(const hearth_sink& sink, const Json& event) const;
    Json chunk(const Json& delta, const Json& finish_reason) const;
    Json word_event(std::string_view word) const;
    void say_call(const hearth_sink& sink) const;
    Json last_event(double elapsed_ms) const;
    std::string whole_text() const;
    std::int64_t option(const char* key, std::int64_t fallback) const;

    Model& model_;
    std::string operation_;
    Json single_; ///< the one event of embed, tokenize, template and count
    Json wishes_; ///< echo_* of the body over the load options
    Json call_;   ///< {name, arguments as text} of a tool instead of words
    std::vector<std::string> words_;
    std::string finish_ = "eos"; ///< eos, limit or word
    std::string stop_word_;      ///< that ended the text
    std::int64_t prompt_tokens_ = 0;
    bool stream_ = false;
    std::uint64_t number_ = 0;

    std::atomic<bool> cancelled_ = false;
    std::mutex mutex_;
    std::condition_variable wake_;
};

} // namespace hearth::echo
