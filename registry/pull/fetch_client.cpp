#include "registry/pull/fetch_client.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "process/wire/connection.hpp"
#include "registry/pull/fetch_message.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace asio = boost::asio;
namespace wire = hearth::process::wire;

namespace hearth::registry {

namespace {

/// A wire error is about our own process; to the caller it is a download that broke off.
Error as_fetch_error(const Error& error) {
    if (error.code() == ErrorCode::runner_lost || error.code() == ErrorCode::protocol) {
        return Error(ErrorCode::registry_unreachable, "the download process ended unexpectedly");
    }
    return error;
}

/// Counts as a transfer for as long as it lives.
class Transferring {
  public:
    explicit Transferring(std::shared_ptr<FetchClient::Activity> activity) : activity_(std::move(activity)) {
        ++activity_->transfers;
    }
    Transferring(Transferring&&) noexcept = default;
    Transferring& operator=(Transferring&&) = delete;
    ~Transferring() {
        if (activity_) {
            --activity_->transfers;
            activity_->last = std::chrono::steady_clock::now();
        }
    }

  private:
    std::shared_ptr<FetchClient::Activity> activity_;
};

class WireResponse final : public FetchResponse {
  public:
    WireResponse(wire::Stream stream, FetchHead head, Transferring transferring)
        : transferring_(std::move(transferring)), stream_(std::move(stream)), head_(std::move(head)) {}

    int status() const override { return head_.status; }
    std::string header(const std::string& name) const override {
        const auto found = head_.headers.find(name);
        return found == head_.headers.end() ? std::string() : found->second;
    }
    std::string final_url() const override { return head_.final_url; }

    asio::awaitable<std::optional<std::string>> read() override {
        while (!ended_) {
            wire::Event event = co_await receive();
            if (event.kind == wire::Event::Kind::end) {
                ended_ = true;
            } else if (!event.body.empty()) {
                co_return std::move(event.body);
            }
        }
        co_return std::nullopt;
    }

  private:
    asio::awaitable<wire::Event> receive() {
        try {
            co_return co_await stream_.receive();
        } catch (const Error& error) {
            throw as_fetch_error(error);
        }
    }

    Transferring transferring_;
    wire::Stream stream_;
    FetchHead head_;
    bool ended_ = false;
};

} // namespace

FetchClient::FetchClient(asio::any_io_executor executor, Start start,
                         std::chrono::steady_clock::duration idle_limit)
    : executor_(executor), start_(std::move(start)), idle_limit_(idle_limit), started_(executor),
      tasks_(executor) {}

FetchClient::~FetchClient() = default;

asio::awaitable<std::unique_ptr<FetchResponse>> FetchClient::get(FetchRequest request) {
    Transferring transferring(activity_);
    const ConnectionPtr connection = co_await ensure_connection();
    try {
        wire::Stream stream =
            co_await connection->open(to_message(request), std::string(), std::vector<UniqueFd>());
        const wire::Event first = co_await stream.receive();
        if (first.kind != wire::Event::Kind::data) {
            throw Error(ErrorCode::registry_unreachable, "the download process gave no answer");
        }
        co_return std::make_unique<WireResponse>(std::move(stream), parse_fetch_head(first.head),
                                                 std::move(transferring));
    } catch (const Error& error) {
        throw as_fetch_error(error);
    }
}

asio::awaitable<FetchClient::ConnectionPtr> FetchClient::ensure_connection() {
    while (true) {
        if (stopping_) {
            throw Error(ErrorCode::cancelled, "the service is stopping");
        }
        if (connection_ && connection_->is_open()) {
            co_return connection_;
        }
        if (!starting_) {
            break;
        }
        co_await started_.wait();
    }
    starting_ = true;
    struct Done { // also when this caller is cancelled: the next one starts it instead
        FetchClient& client;
        ~Done() {
            client.starting_ = false;
            client.started_.notify_all();
        }
    } const done{*this};
    co_return co_await connect();
}

asio::awaitable<FetchClient::ConnectionPtr> FetchClient::connect() {
    UniqueFd socket = co_await start_();
    auto connection = std::make_shared<wire::Connection>(executor_, std::move(socket), "fetch");
    // From here the watcher owns its end, whatever becomes of this caller: a Connection must be stopped
    // before it is destroyed.
    tasks_.spawn("fetch-watch", watch(connection));
    try {
        co_await connection->handshake();
    } catch (const Error& error) {
        connection->close();
        throw as_fetch_error(error);
    } catch (...) {
        connection->close();
        throw;
    }
    connection_ = connection;
    co_return connection;
}

asio::awaitable<void> FetchClient::watch(ConnectionPtr connection) {
    using namespace asio::experimental::awaitable_operators;
    const auto tick = std::clamp<std::chrono::steady_clock::duration>(
        idle_limit_ / 4, std::chrono::milliseconds(5), std::chrono::seconds(2));
    try {
        while (connection->is_open()) {
            co_await (connection->wait_closed() || sleep_for(tick));
            const auto quiet = std::chrono::steady_clock::now() - activity_->last;
            if (activity_->transfers == 0 && quiet >= idle_limit_) {
                break;
            }
        }
    } catch (const boost::system::system_error&) { // cancelled by stop()
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    if (connection_ == connection) {
        connection_.reset();
    }
    co_await connection->stop();
}

asio::awaitable<void> FetchClient::stop() {
    stopping_ = true;
    started_.notify_all();
    tasks_.cancel();
    co_await tasks_.join();
}

} // namespace hearth::registry
