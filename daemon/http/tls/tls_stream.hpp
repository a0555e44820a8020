#pragma once

#include <cstddef>
#include <memory>

struct ssl_st;

namespace hearth::daemon::http {

class Certificate;

/// What came of a try to move bytes over a socket that does not block.
struct Moved {
    enum class Outcome {
        done,       ///< `bytes` were moved
        wait_read,  ///< again when the socket is readable
        wait_write, ///< again when it is writable
        ended,      ///< the other side said that it sends no more
        broken
    } outcome = Outcome::broken;
    std::size_t bytes = 0;
};

/// The server's side of TLS on one connected socket, which it neither owns nor waits for. Owned by its connection,
/// on the io executor. The process ignores SIGPIPE, as OpenSSL writes without asking for the error instead.
class TlsStream {
  public:
    /// A read shorter than this may leave bytes inside, where no socket shows them.
    static constexpr std::size_t least_read_bytes = 16u << 10;

    /// The certificate outlives the stream.
    TlsStream(const Certificate& certificate, int socket);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;

    /// Until it is done, nothing else.
    Moved handshake();
    Moved read(char* bytes, std::size_t size);
    Moved write(const char* bytes, std::size_t size);
    /// Says that we send no more, if that can be said without waiting.
    void end();

  private:
    Moved outcome_of(int result);

    struct Release {
        void operator()(ssl_st* stream) const noexcept;
    };
    std::unique_ptr<ssl_st, Release> stream_;
    bool open_ = false; ///< the handshake is done, and nothing broke since
};

} // namespace hearth::daemon::http
