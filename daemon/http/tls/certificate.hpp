#pragma once

#include <filesystem>
#include <memory>

struct ssl_ctx_st;

namespace hearth::daemon::http {

/// A certificate with its private key, and the terms on which we speak TLS: 1.2 or later, HTTP/1.1, no
/// renegotiation, no resumption. Read once, before the process is locked; then only read by every connection.
class Certificate {
  public:
    /// Two PEM files: the certificate followed by its chain, and its key without a password. Blocking.
    /// @throws Error  invalid_argument naming the file; forbidden when it may not be read
    Certificate(const std::filesystem::path& certificate, const std::filesystem::path& key);
    ~Certificate();
    Certificate(const Certificate&) = delete;

    ssl_ctx_st* native() const noexcept { return context_.get(); }

  private:
    struct Release {
        void operator()(ssl_ctx_st* context) const noexcept;
    };
    std::unique_ptr<ssl_ctx_st, Release> context_;
};

} // namespace hearth::daemon::http
