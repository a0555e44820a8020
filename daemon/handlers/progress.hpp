#pragma once

#include "daemon/http/response_writer.hpp"
#include "daemon/line_queue.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace hearth::daemon {

/// Runs `work` and writes, as NDJSON, the lines that it pushes meanwhile. A client that leaves cancels the
/// work.
/// @throws  what the work threw, after its lines were written
boost::asio::awaitable<void> write_progress(http::ResponseWriter& out, std::shared_ptr<LineQueue> lines,
                                            boost::asio::awaitable<void> work);

} // namespace hearth::daemon
