#pragma once

#include "daemon/http/head.hpp"
#include "daemon/http/limits.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace hearth::daemon::http {

/// Decodes a request's body, by length or by chunks, with Beast's parser, which it feeds the framing that
/// `parse_head` accepted.
class BodyReader {
  public:
    /// @throws Error too_large when Content-Length is over `limit`
    BodyReader(const Head& head, std::uint64_t limit, const Limits& limits);
    ~BodyReader();

    /// Takes what it can from the front of `buffer`.
    /// @throws Error  too_large, invalid_argument: a bad chunk
    void feed(std::string& buffer);
    bool done() const;
    /// What was decoded since the last call; the whole body when it is called once, after done.
    std::string take();

  private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
    std::uint64_t limit_;
    std::size_t buffer_limit_;
};

} // namespace hearth::daemon::http
