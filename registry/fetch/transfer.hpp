#pragma once

#include "process/wire/server.hpp"
#include "registry/fetch/address_policy.hpp"
#include "registry/fetch/handle_pool.hpp"
#include "registry/fetch/url.hpp"
#include "registry/pull/fetch_request.hpp"

namespace hearth::registry::fetch {

/// One GET from the core: follows redirects under the address policy and streams the answer. Lives on the
/// stream's own thread; back-pressure is `ServerStream::send` blocking inside curl's write callback, so the
/// kernel's receive window closes.
class Transfer {
  public:
    Transfer(HandlePool& pool, process::wire::ServerStream& stream, FetchRequest request);

    /// Returns after the stream's `end`.
    /// @throws Error  registry_unreachable, network_forbidden, registry_failed (too many redirects),
    /// too_large, cancelled
    void run();

  private:
    /// @return  where to go next, or an empty text when the answer was streamed
    std::string perform(const Url& url);

    HandlePool& pool_;
    process::wire::ServerStream& stream_;
    FetchRequest request_;
    Url first_;
    AddressPolicy policy_;
};

} // namespace hearth::registry::fetch
