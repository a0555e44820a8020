#pragma once

#include "base/json.hpp"
#include "base/unique_fd.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A child's side of the wire: threads and blocking calls, no event loop (fetch, runner, launcher).
namespace hearth::process::wire {

/// A `data` frame that the core sent on a stream.
struct Incoming {
    std::string head;
    std::string body;
    std::vector<UniqueFd> fds;
};

/// One request as the child sees it. Methods may be called from any thread; `send`, `end`, `receive` from one
/// at a time.
class ServerStream {
  public:
    virtual ~ServerStream() = default;
    virtual const std::string& head() const = 0; ///< JSON text of the `open` frame
    virtual const std::string& body() const = 0; ///< body of the `open` frame
    virtual std::vector<UniqueFd> take_fds() = 0;
    /// Sends one `data` frame, blocking while there is no credit. Bodies over max_body_bytes are split.
    /// @return false when the stream was cancelled or the core is gone: stop soon
    virtual bool send(std::string_view head, std::string_view body) = 0;
    /// True once the core asked to stop. Never blocks.
    virtual bool cancelled() const = 0;
    /// Called (from the reader thread, must not block) when the core cancels; at once if it already did.
    /// An empty function takes the callback back, and returns only when none is running: do so before what it
    /// refers to goes.
    virtual void on_cancel(std::function<void()> callback) = 0;
    /// The last frame: `end` with a head, optionally with descriptors.
    virtual void end(std::string_view head, std::vector<UniqueFd> fds = {}) = 0;
    /// The next `data` frame from the core, blocking. @return nullopt when the stream was cancelled or the
    /// core is gone
    virtual std::optional<Incoming> receive() { return std::nullopt; }
};

struct ServerOptions {
    std::string role;             ///< "runner", "fetch", "launcher"
    std::string hello_extra;      ///< JSON object text merged into our hello, may be empty
    std::size_t max_threads = 64; ///< streams served at once; more are answered `busy`
    std::function<void()>
        on_eof; ///< on the reader thread when the core is gone, before streams are cancelled and joined; need not return
};

/// Serves the socket until EOF, then cancels what runs, joins every thread and returns.
/// `handler` runs on a thread of its own per stream; an Error (or any exception) it throws becomes the
/// stream's `error` frame; returning without `end` sends an empty one.
/// @throws Error  protocol when the core breaks the rules
void serve(UniqueFd socket, const ServerOptions& options, std::function<void(ServerStream&)> handler);

} // namespace hearth::process::wire
