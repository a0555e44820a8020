#pragma once

#include "registry/model_ref.hpp"
#include "registry/pull/fetcher.hpp"
#include "registry/pull/retry.hpp"
#include "registry/pull/source_login.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace hearth::registry {

/// One pull's talk with one repository of an OCI registry (Ollama's included): manifests, tags, the anonymous
/// token, blob URLs. On the io executor; owned by the pull, or shared by the files of one look.
class RegistrySession : public SourceLogin {
  public:
    RegistrySession(Fetcher& fetcher, ModelRef ref, bool insecure, RetryOptions retry);

    /// The bytes of the model's manifest exactly as served; an index is followed to the entry for this
    /// machine. A pin is checked.
    /// @throws Error  model_not_found, registry_denied, registry_unreachable, registry_failed, bad_manifest,
    /// corrupt_blob
    boost::asio::awaitable<std::string> manifest();

    /// A small blob, such as the config, checked against its digest.
    /// @throws Error  as manifest; too_large
    boost::asio::awaitable<std::string> small_blob(Digest digest);
    /// Names of the repository's tags, as far as the registry lists them; Ollama's does not.
    /// @throws Error  registry_unreachable, registry_failed, cancelled
    boost::asio::awaitable<std::vector<std::string>> tags();

    /// Answers a 401: gets an anonymous token from the realm that the challenge names, under the realm policy
    /// (registry reference 3.4).
    /// @throws Error  registry_denied, network_forbidden, registry_unreachable
    boost::asio::awaitable<void> log_in(std::string challenge) override;
    /// Empty before a login.
    std::string authorization() const override { return authorization_; }
    Error refusal(const FetchResponse& response, const std::string& file) const override;

    std::string blob_url(const Digest& digest) const;
    bool insecure() const noexcept { return insecure_; }

  private:
    struct Answer {
        int status = 0;
        std::string content_type;
        std::string challenge;
        std::string body;
    };

    boost::asio::awaitable<std::string> manifest_at(std::string reference);
    boost::asio::awaitable<std::string> try_manifest(std::string reference);
    boost::asio::awaitable<std::string> follow_index(std::string bytes);
    boost::asio::awaitable<Answer> get_signed(FetchRequest request);
    boost::asio::awaitable<Answer> get(FetchRequest request);
    boost::asio::awaitable<Answer> get_once(FetchRequest request);
    std::string check_manifest_answer(Answer answer) const;
    FetchRequest token_request(const std::string& challenge) const;

    Fetcher& fetcher_;
    ModelRef ref_;
    bool insecure_;
    RetryOptions retry_;
    std::string origin_; ///< "https://registry.ollama.ai"
    std::string authorization_;
};

} // namespace hearth::registry
