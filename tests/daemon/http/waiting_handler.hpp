#pragma once

#include "base/async/event.hpp"
#include "daemon/http/router.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <future>

namespace hearth::daemon::http::testing {

/// A handler that answers "finished" once it is released, or ends when its client is gone. One request.
struct Waiting {
    Handler handler() {
        return [this](Request, ResponseWriter& out) -> boost::asio::awaitable<void> {
            struct Mark {
                std::promise<void>& ended;
                ~Mark() { ended.set_value(); }
            } mark{ended};
            AsyncEvent event(co_await boost::asio::this_coro::executor);
            release = &event;
            begun.set_value();
            co_await event.wait();
            co_await out.send_text(200, "finished");
        };
    }
    std::promise<void> begun;
    std::promise<void> ended;
    AsyncEvent* release = nullptr; ///< on the io thread
};

} // namespace hearth::daemon::http::testing
