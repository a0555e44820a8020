#pragma once

#include "base/async/blocking.hpp"
#include "registry/gguf/header.hpp"
#include "registry/pull/hub_access.hpp"
#include "registry/pull/published.hpp"
#include "registry/pull/retry.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>

namespace hearth::registry {

class Fetcher;

/// How much of a header is read.
enum class HeaderDepth {
    quick, ///< the first 64 KiB: all hyper-parameters, seldom the tensors
    whole  ///< up to the last tensor's entry, never the weights
};

/// A header, or the part of it that the first bytes of its file hold.
struct PublishedHeader {
    gguf::HeaderPrefix prefix;
    std::uint64_t bytes_read = 0; ///< that crossed the network, or were read from the disk
};

/// Looks at a model where it is published, without downloading it: what there is, how large, and what a
/// file's header says. Keeps nothing between calls. On the io executor; parsing and disk run on the pool.
/// References outlive it.
class Survey {
  public:
    static constexpr std::uint64_t quick_bytes = 64 << 10;
    static constexpr std::uint64_t most_header_bytes = 64 << 20;

    Survey(Fetcher& fetcher, BlockingPool& disk, HubAccess hub, RetryOptions retry = {});

    /// What the source has. A Hub repository gives all its quants whatever the reference's tag says; an OCI
    /// reference its one manifest, and the names of its other tags; a URL or a file itself and its shards.
    /// @throws Error  model_not_found, registry_denied (with what to do), registry_failed,
    /// registry_unreachable, bad_manifest, unsupported (no GGUF there, or a name in this store)
    boost::asio::awaitable<PublishedModel> look(ModelRef ref, bool insecure = false);

    /// The first bytes of a file, by `Range`; fewer when the file is shorter. An answer that ignores the
    /// range is cut off.
    /// @throws Error  as look
    boost::asio::awaitable<std::string> read_prefix(PublishedFile file, std::uint64_t bytes);

    /// The header of a file. Asks for 64 KiB, then 1, 4, 8, 16, … MiB, each byte once.
    /// @param budget_bytes  most that is read; a header that is longer comes back incomplete
    /// @throws Error  model_invalid (not a GGUF, or one that the parser refuses); as look
    boost::asio::awaitable<PublishedHeader> read_header(PublishedFile file, HeaderDepth depth,
                                                        std::uint64_t budget_bytes = most_header_bytes);

  private:
    boost::asio::awaitable<PublishedModel> look_at_registry(ModelRef ref, bool insecure);
    boost::asio::awaitable<PublishedModel> look_at_url(ModelRef ref, bool insecure);
    boost::asio::awaitable<PublishedModel> look_at_file(ModelRef ref);
    boost::asio::awaitable<std::string> read_part(PublishedFile file, std::uint64_t from, std::uint64_t to);

    Fetcher& fetcher_;
    BlockingPool& disk_;
    HubAccess hub_;
    RetryOptions retry_;
};

} // namespace hearth::registry
