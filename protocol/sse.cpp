#include "protocol/sse.hpp"

#include "base/error.hpp"

#include <utility>

namespace hearth::protocol {
namespace {

/// Length of the text before the next CR or LF.
std::size_t line_length(std::string_view text) {
    const std::size_t end = text.find_first_of("\r\n");
    return end == std::string_view::npos ? text.size() : end;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\n");
}

} // namespace

std::string sse_event(std::string_view data, std::string_view event) {
    std::string out;
    out.reserve(data.size() + event.size() + 32);
    if (!event.empty()) {
        append_field(out, "event", event.substr(0, line_length(event)));
    }
    while (true) {
        const std::size_t length = line_length(data);
        append_field(out, "data", data.substr(0, length));
        if (length == data.size()) {
            break;
        }
        const bool pair = data.substr(length).starts_with("\r\n");
        data.remove_prefix(length + (pair ? 2 : 1));
    }
    out += '\n';
    return out;
}

std::string sse_comment(std::string_view text) {
    return ": " + std::string(text.substr(0, line_length(text))) + "\n\n";
}

SseSplitter::SseSplitter(EventHandler on_event, std::size_t max_event_bytes)
    : on_event_(std::move(on_event)), max_event_bytes_(max_event_bytes) {}

void SseSplitter::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (std::exchange(last_was_cr_, false) && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            continue;
        }
        const std::size_t length = line_length(bytes);
        line_.append(bytes.substr(0, length));
        if (line_.size() + event_.data.size() > max_event_bytes_) {
            throw Error(ErrorCode::protocol, "an event of the stream is larger than " +
                                                 std::to_string(max_event_bytes_) + " bytes");
        }
        if (length == bytes.size()) {
            return;
        }
        last_was_cr_ = bytes[length] == '\r';
        bytes.remove_prefix(length + 1);
        const std::string line = std::exchange(line_, {});
        take_line(line);
    }
}

void SseSplitter::take_line(std::string_view line) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (std::exchange(first_line_, false) && line.starts_with(byte_order_mark)) {
        line.remove_prefix(byte_order_mark.size());
    }
    if (line.empty()) {
        dispatch();
        return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        take_field(line, {});
        return;
    }
    std::string_view value = line.substr(colon + 1);
    if (value.starts_with(' ')) {
        value.remove_prefix(1);
    }
    take_field(line.substr(0, colon), value); // a comment has an empty name
}

void SseSplitter::take_field(std::string_view name, std::string_view value) {
    if (name == "data") {
        if (std::exchange(has_data_, true)) {
            event_.data += '\n';
        }
        event_.data.append(value);
    } else if (name == "event") {
        event_.event = value;
    } else if (name == "id") {
        event_.id = value;
    }
}

void SseSplitter::dispatch() {
    SseEvent event = std::exchange(event_, {});
    event_.id = event.id;
    if (!std::exchange(has_data_, false)) {
        return;
    }
    if (event.event.empty()) {
        event.event = "message";
    }
    on_event_(event);
}

} // namespace hearth::protocol
