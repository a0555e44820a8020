#pragma once

#include "base/async/blocking.hpp"
#include "registry/model_ref.hpp"
#include "registry/pull/fetcher.hpp"
#include "registry/pull/file_download.hpp"
#include "registry/pull/retry.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What a url or file reference stands for: one GGUF file, or the shards of a split one.
namespace hearth::registry {

/// All paths of a split model when `path` is one of its shards (`m-00002-of-00003.gguf`), else the path
/// alone.
/// @param path  may carry a query, which every shard then carries
/// @throws Error  bad_reference for a shard number or count that cannot be
std::vector<std::string> shard_paths(std::string_view path);

/// "m-00001-of-00002.gguf" of a path or URL.
std::string file_name_of(std::string_view path);

/// Asks a web server for size and validator of each file. Nothing is downloaded.
/// @throws Error  model_not_found, registry_denied, registry_failed (a web page), registry_unreachable
boost::asio::awaitable<std::vector<FileSource>> probe_url(Fetcher& fetcher, ModelRef ref, bool insecure,
                                                          RetryOptions retry);

/// sha256 over what identifies this version of this file: names a partial download whose digest is unknown.
Digest source_key(const FileSource& source);
/// The same for every version of the file.
Digest place_key(const FileSource& source);

} // namespace hearth::registry
