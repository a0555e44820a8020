#pragma once

#include "daemon/http/response_writer.hpp"
#include "daemon/line_queue.hpp"
#include "registry/pull/pull_engine.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace hearth::daemon {

/// Runs `work` and writes, as NDJSON, the lines that it pushes meanwhile. A client that leaves cancels the
/// work.
/// @throws  what the work threw, after its lines were written
boost::asio::awaitable<void> write_progress(http::ResponseWriter& out, std::shared_ptr<LineQueue> lines,
                                            boost::asio::awaitable<void> work);

/// A line of /api/pull.
Json progress_json(const registry::PullProgress& progress);

} // namespace hearth::daemon
