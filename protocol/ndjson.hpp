#pragma once

#include "base/json.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace hearth::protocol {

/// The value and a newline: one event of an NDJSON stream. Never throws on invalid UTF-8.
std::string ndjson_line(const Json& value);

/// Cuts a byte stream into lines at LF, whatever the pieces it arrives in. A CR before the LF is dropped;
/// empty lines are skipped. Holds at most one unfinished line.
class LineSplitter {
  public:
    using LineHandler = std::function<void(std::string_view)>;

    /// @param max_line_bytes  a longer line is an error, so that a peer cannot fill our memory
    explicit LineSplitter(LineHandler on_line, std::size_t max_line_bytes = 64u << 20);

    /// Calls the handler for each line that is complete now. @throws Error protocol when a line is too long;
    /// what the handler throws
    void feed(std::string_view bytes);
    /// The stream has ended: what is left is a line too.
    void finish();

  private:
    void deliver(std::string_view line);

    LineHandler on_line_;
    std::size_t max_line_bytes_;
    std::string pending_;
};

} // namespace hearth::protocol
