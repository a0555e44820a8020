#include "base/async/event.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>

namespace hearth {

/// The timer never expires: it is a list of waiters that `cancel` completes.
struct AsyncEvent::State {
    explicit State(const boost::asio::any_io_executor& executor)
        : timer(executor, boost::asio::steady_timer::time_point::max()) {}

    boost::asio::steady_timer timer;
    std::uint64_t notifications = 0;
};

AsyncEvent::AsyncEvent(boost::asio::any_io_executor executor) : state_(std::make_shared<State>(executor)) {}

AsyncEvent::~AsyncEvent() {
    notify_all();
}

boost::asio::awaitable<void> AsyncEvent::wait() {
    const std::shared_ptr<State> state = state_;
    const std::uint64_t before = state->notifications;
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    co_await state->timer.async_wait(token);
    const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
    const bool cancelled = cancellation.cancelled() != boost::asio::cancellation_type::none;
    if (cancelled || state->notifications == before) {
        throw boost::system::system_error(boost::asio::error::operation_aborted);
    }
}

void AsyncEvent::notify_all() {
    ++state_->notifications;
    state_->timer.cancel();
}

} // namespace hearth
