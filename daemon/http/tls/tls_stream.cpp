#include "daemon/http/tls/tls_stream.hpp"

#include "base/error.hpp"
#include "daemon/http/tls/certificate.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>

namespace hearth::daemon::http {
namespace {

int int_size(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

} // namespace

void TlsStream::Release::operator()(ssl_st* stream) const noexcept {
    ::SSL_free(stream);
}

TlsStream::TlsStream(const Certificate& certificate, int socket) : stream_(::SSL_new(certificate.native())) {
    if (!stream_ || ::SSL_set_fd(stream_.get(), socket) != 1) {
        ::ERR_clear_error();
        throw Error(ErrorCode::internal, "TLS cannot be set up for a connection");
    }
    ::SSL_set_accept_state(stream_.get());
}

TlsStream::~TlsStream() = default;

Moved TlsStream::outcome_of(int result) {
    using Outcome = Moved::Outcome;
    if (result > 0) {
        return {Outcome::done, static_cast<std::size_t>(result)};
    }
    const int error = ::SSL_get_error(stream_.get(), result);
    ::ERR_clear_error();
    switch (error) {
    case SSL_ERROR_WANT_READ:
        return {Outcome::wait_read, 0};
    case SSL_ERROR_WANT_WRITE:
        return {Outcome::wait_write, 0};
    case SSL_ERROR_ZERO_RETURN:
        return {Outcome::ended, 0};
    default:
        open_ = false;
        return {Outcome::broken, 0};
    }
}

Moved TlsStream::handshake() {
    ::ERR_clear_error(); // what is in the list decides what an error is
    const Moved moved = outcome_of(::SSL_do_handshake(stream_.get()));
    open_ = moved.outcome == Moved::Outcome::done;
    return moved;
}

Moved TlsStream::read(char* bytes, std::size_t size) {
    ::ERR_clear_error();
    return outcome_of(::SSL_read(stream_.get(), bytes, int_size(size)));
}

Moved TlsStream::write(const char* bytes, std::size_t size) {
    ::ERR_clear_error();
    return outcome_of(::SSL_write(stream_.get(), bytes, int_size(size)));
}

void TlsStream::end() {
    if (open_) {
        open_ = false;
        ::SSL_shutdown(stream_.get());
        ::ERR_clear_error();
    }
}

} // namespace hearth::daemon::http
