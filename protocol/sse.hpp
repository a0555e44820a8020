#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

/// Server-sent events (WHATWG HTML, section 9.2).
namespace hearth::protocol {

/// One event as text: `event: <event>` when named, a `data:` line for each line of `data`, and an empty line.
std::string sse_event(std::string_view data, std::string_view event = {});
/// A comment line that keeps a quiet stream alive.
std::string sse_comment(std::string_view text);

struct SseEvent {
    std::string event; ///< "message" when the stream names none
    std::string data;  ///< lines joined by LF
    std::string id;    ///< the last id seen; empty when none
};

/// Cuts a byte stream into events: lines end at LF, CR or CRLF, comments and unknown fields are dropped, an
/// event without data is not delivered, nor is an unfinished one at the end of the stream.
class SseSplitter {
  public:
    using EventHandler = std::function<void(const SseEvent&)>;

    /// @param max_event_bytes  a larger event or line is an error
    explicit SseSplitter(EventHandler on_event, std::size_t max_event_bytes = 64u << 20);

    /// Calls the handler for each event that is complete now. @throws Error protocol; what the handler throws
    void feed(std::string_view bytes);

  private:
    void take_line(std::string_view line);
    void take_field(std::string_view name, std::string_view value);
    void dispatch();

    EventHandler on_event_;
    std::size_t max_event_bytes_;
    std::string line_;
    SseEvent event_;
    bool has_data_ = false;
    bool last_was_cr_ = false; // so that the LF of a CRLF cut in two is not an empty line
    bool first_line_ = true;   // may start with a byte order mark
};

} // namespace hearth::protocol
