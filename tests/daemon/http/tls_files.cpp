#include "tests/daemon/http/tls_files.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace hearth::daemon::http::testing {
namespace {

template <auto release> struct Free {
    template <class T> void operator()(T* value) const { release(value); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;

void expect(bool good) {
    if (!good) {
        throw std::runtime_error("making a certificate failed");
    }
}

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

Certificate sign(EVP_PKEY* key) {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                               -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    expect(X509_sign(certificate.get(), key, EVP_sha256()) > 0);
    return certificate;
}

} // namespace

void write_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key,
                       const std::string& password) {
    const Key made(EVP_EC_gen("P-256"));
    expect(made != nullptr);
    const Certificate signed_by_itself = sign(made.get());
    const File certificate_file(std::fopen(certificate.c_str(), "we"));
    expect(PEM_write_X509(certificate_file.get(), signed_by_itself.get()) == 1);
    const File key_file(std::fopen(key.c_str(), "we"));
    const auto* secret = reinterpret_cast<const unsigned char*>(password.data());
    expect(PEM_write_PrivateKey(key_file.get(), made.get(), password.empty() ? nullptr : EVP_aes_128_cbc(),
                                password.empty() ? nullptr : secret, static_cast<int>(password.size()),
                                nullptr, nullptr) == 1);
}

} // namespace hearth::daemon::http::testing
