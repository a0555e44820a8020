#include "protocol/ndjson.hpp"

#include "base/error.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace hearth::protocol {

std::string ndjson_line(const Json& value) {
    std::string line = to_text(value);
    line += '\n';
    return line;
}

LineSplitter::LineSplitter(LineHandler on_line, std::size_t max_line_bytes)
    : on_line_(std::move(on_line)), max_line_bytes_(max_line_bytes) {}

void LineSplitter::deliver(std::string_view line) {
    if (line.size() > max_line_bytes_) {
        throw Error(ErrorCode::protocol,
                    "a line of the stream is longer than " + std::to_string(max_line_bytes_) + " bytes");
    }
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    if (!line.empty()) {
        on_line_(line);
    }
}

void LineSplitter::feed(std::string_view bytes) {
    while (true) {
        const std::size_t end = bytes.find('\n');
        if (end == std::string_view::npos) {
            break;
        }
        if (pending_.empty()) {
            deliver(bytes.substr(0, end));
        } else {
            pending_.append(bytes.substr(0, end));
            const std::string line = std::exchange(pending_, {});
            deliver(line);
        }
        bytes.remove_prefix(end + 1);
    }
    pending_.append(bytes);
    if (pending_.size() > max_line_bytes_) {
        deliver(pending_); // throws
    }
}

void LineSplitter::finish() {
    const std::string line = std::exchange(pending_, {});
    deliver(line);
}

} // namespace hearth::protocol
