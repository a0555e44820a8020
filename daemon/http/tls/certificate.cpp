#include "daemon/http/tls/certificate.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace hearth::daemon::http {
namespace {

constexpr std::string_view protocol = "\x08http/1.1"; // as ALPN has it: length, name

/// Why OpenSSL refused; empties its list of errors.
std::string reason() {
    const unsigned long code = ::ERR_peek_last_error();
    const char* text = ::ERR_reason_error_string(code);
    ::ERR_clear_error();
    return text != nullptr ? text : "unknown reason";
}

void check_readable(const std::filesystem::path& file) {
    if (::access(file.c_str(), R_OK) != 0) {
        throw Error(errno == EACCES ? ErrorCode::forbidden : ErrorCode::invalid_argument,
                    "the file " + file.string() + " for TLS cannot be read",
                    "--tls-cert and --tls-key name two PEM files");
    }
}

void warn_of_open_key(const std::filesystem::path& key) {
    struct stat status{};
    if (::stat(key.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
        log::warning("daemon", key.string() + ", the private key, can be read by every user of this machine");
    }
}

/// There is no terminal to ask at.
int no_password(char*, int, int, void*) {
    return 0;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned offered_length, void*) {
    unsigned char* found = nullptr;
    const int result =
        ::SSL_select_next_proto(&found, length, reinterpret_cast<const unsigned char*>(protocol.data()),
                                static_cast<unsigned>(protocol.size()), offered, offered_length);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_terms(SSL_CTX* context) {
    ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    ::SSL_CTX_set_num_tickets(context, 0);
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS); // an idle connection holds no memory
    ::SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    ::SSL_CTX_set_default_passwd_cb(context, no_password);
}

} // namespace

void Certificate::Release::operator()(ssl_ctx_st* context) const noexcept {
    ::SSL_CTX_free(context);
}

Certificate::Certificate(const std::filesystem::path& certificate, const std::filesystem::path& key)
    : context_(::SSL_CTX_new(::TLS_server_method())) {
    if (!context_) {
        throw Error(ErrorCode::internal, "TLS cannot be set up: " + reason());
    }
    set_terms(context_.get());
    check_readable(certificate);
    check_readable(key);
    warn_of_open_key(key);
    if (::SSL_CTX_use_certificate_chain_file(context_.get(), certificate.c_str()) != 1) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{} holds no certificate in PEM: {}", certificate.string(), reason()));
    }
    if (::SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{} holds no key that can be used: {}", key.string(), reason()),
                    "it must be in PEM, without a password, and belong to the certificate");
    }
}

Certificate::~Certificate() = default;

} // namespace hearth::daemon::http
