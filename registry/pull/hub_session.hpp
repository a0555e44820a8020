#pragma once

#include "base/async/blocking.hpp"
#include "registry/model_ref.hpp"
#include "registry/pull/fetcher.hpp"
#include "registry/pull/hub_access.hpp"
#include "registry/pull/hub_refusal.hpp"
#include "registry/pull/hub_tree.hpp"
#include "registry/pull/published.hpp"
#include "registry/pull/retry.hpp"
#include "registry/pull/source_login.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace hearth::registry {

/// One talk with one repository of the Hugging Face Hub: its commit, fixed at the start, its files, and who
/// asks. The token goes to the endpoint's own origin and nowhere else. Shared by the files that it found; on
/// the io executor.
class HubSession : public SourceLogin {
  public:
    HubSession(Fetcher& fetcher, BlockingPool& disk, HubAccess access, const ModelRef& ref,
               RetryOptions retry);

    /// Fixes the commit that `main` is at now. Comes first.
    /// @throws Error  model_not_found, registry_denied (gated, private: with what to do), registry_failed,
    /// registry_unreachable, bad_manifest
    boost::asio::awaitable<void> open();
    /// Every GGUF file at that commit, over all pages. @throws Error  as open; too_large
    boost::asio::awaitable<std::vector<HubFile>> files();

    const std::string& repository() const noexcept { return repository_; } ///< after a renaming
    const std::string& commit() const noexcept { return commit_; }
    std::string file_url(const std::string& path) const;

    std::string authorization() const override { return authorization_; }
    boost::asio::awaitable<void> log_in(std::string challenge) override;
    Error refusal(const FetchResponse& response, const std::string& file) const override;

  private:
    struct Answer {
        std::string body;
        std::string link;
    };
    boost::asio::awaitable<Answer> get(std::string path);
    boost::asio::awaitable<Answer> get_once(FetchRequest request);
    TransientError busy(const FetchResponse& response) const;
    void check(const FetchResponse& response) const;
    HubRefusal reduce(const FetchResponse& response) const;

    Fetcher& fetcher_;
    BlockingPool& disk_;
    HubAccess access_;
    RetryOptions retry_;
    std::string repository_;
    std::string commit_;
    std::string authorization_;
};

/// What a Hub repository publishes: its files in quants, with URLs of one commit.
/// @throws Error  as HubSession; unsupported when there is no GGUF model in it
boost::asio::awaitable<PublishedModel> survey_hub(Fetcher& fetcher, BlockingPool& disk, HubAccess access,
                                                  ModelRef ref, RetryOptions retry);

} // namespace hearth::registry
