#include "process/wire/server.hpp"

#include "base/error.hpp"
#include "process/wire/messages.hpp"
#include "process/wire/server_state.hpp"
#include "process/wire/socket_io.hpp"

#include <sys/socket.h>

#include <fmt/format.h>

#include <system_error>

namespace hearth::process::wire {

namespace {

std::uint32_t decode_credit(const std::string& body) {
    std::uint32_t value = 0;
    for (std::size_t index = 4; index-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(body[index]);
    }
    return value;
}

/// The reader: it lives on the thread that called `serve` and owns the threads of the streams.
class Server {
  public:
    Server(UniqueFd socket, const ServerOptions& options, std::function<void(ServerStream&)> handler)
        : socket_(std::move(socket)), options_(options), handler_(std::move(handler)),
          writer_(socket_.get()) {}
    ~Server() { finish(); }
    Server(const Server&) = delete;

    void run();

  private:
    struct Worker {
        std::shared_ptr<ThreadStream> stream;
        std::thread thread;
    };

    void dispatch(Frame frame);
    void start(Frame open);
    void serve_stream(ThreadStream& stream);
    void reap();
    void finish();
    std::shared_ptr<ThreadStream> find(std::uint32_t id);

    UniqueFd socket_;
    const ServerOptions& options_;
    std::function<void(ServerStream&)> handler_;
    SharedWriter writer_;
    FrameDecoder decoder_;
    bool greeted_ = false;
    std::uint32_t last_stream_ = 0;
    std::atomic<std::size_t> active_ = 0;
    std::unordered_map<std::uint32_t, Worker> workers_; // reader thread only
    std::mutex ended_mutex_;
    std::vector<std::uint32_t> ended_; // streams whose thread may be joined
};

void Server::run() {
    writer_.send(FrameType::hello, 0, hello_head(options_.role, options_.hello_extra), {});
    while (receive_some(socket_.get(), decoder_, IoMode::block) == IoResult::done) {
        while (std::optional<Frame> frame = decoder_.next()) {
            dispatch(std::move(*frame));
        }
    }
    if (options_.on_eof) {
        options_.on_eof();
    }
}

void Server::finish() {
    // A thread that blocks in a send must fail at once, even when the core is there and the reader stopped
    // for another reason.
    ::shutdown(socket_.get(), SHUT_RDWR);
    for (auto& [id, worker] : workers_) {
        worker.stream->cancel();
    }
    for (auto& [id, worker] : workers_) {
        worker.thread.join();
    }
    workers_.clear();
}

std::shared_ptr<ThreadStream> Server::find(std::uint32_t id) {
    const auto found = workers_.find(id);
    return found == workers_.end() ? nullptr : found->second.stream;
}

void Server::dispatch(Frame frame) {
    if (!greeted_) {
        if (frame.type != FrameType::hello) {
            throw Error(ErrorCode::protocol, "wire: the first frame is not a hello");
        }
        check_hello(frame.head, "the core");
        greeted_ = true;
        return;
    }
    if (frame.type == FrameType::open) {
        start(std::move(frame));
        return;
    }
    if (frame.stream > last_stream_ || frame.stream % 2 == 0) {
        throw Error(ErrorCode::protocol,
                    fmt::format("wire: a frame for stream {}, which was never opened", frame.stream));
    }
    const std::shared_ptr<ThreadStream> stream = find(frame.stream);
    switch (frame.type) {
    case FrameType::data:
        if (stream) {
            stream->deliver(std::move(frame));
        }
        return;
    case FrameType::cancel:
        if (stream) {
            stream->cancel();
        }
        return;
    case FrameType::credit:
        if (stream) {
            stream->add_credit(decode_credit(frame.body));
        }
        return;
    default:
        throw Error(ErrorCode::protocol,
                    fmt::format("wire: the core may not send frame type {}", static_cast<int>(frame.type)));
    }
}

void Server::start(Frame open) {
    if (open.stream <= last_stream_ || open.stream % 2 == 0) {
        throw Error(ErrorCode::protocol,
                    fmt::format("wire: stream number {} is even or not rising", open.stream));
    }
    last_stream_ = open.stream;
    reap();
    const std::uint32_t id = open.stream;
    if (active_ >= options_.max_threads) {
        const Error busy(ErrorCode::busy, fmt::format("the {} serves {} requests already", options_.role,
                                                      options_.max_threads));
        writer_.send(FrameType::error, id, error_head(busy), {});
        return;
    }
    auto stream = std::make_shared<ThreadStream>(writer_, active_, std::move(open));
    try {
        std::thread thread([this, stream] { serve_stream(*stream); });
        workers_.emplace(id, Worker{stream, std::move(thread)});
    } catch (const std::system_error& error) {
        const Error busy(ErrorCode::busy, fmt::format("no thread for another request: {}", error.what()));
        stream->conclude(std::make_exception_ptr(busy));
    }
}

void Server::serve_stream(ThreadStream& stream) {
    std::exception_ptr failure;
    try {
        handler_(stream);
    } catch (...) {
        failure = std::current_exception();
    }
    stream.conclude(failure);
    const std::lock_guard lock(ended_mutex_);
    ended_.push_back(stream.id());
}

void Server::reap() {
    std::vector<std::uint32_t> ended;
    {
        const std::lock_guard lock(ended_mutex_);
        ended.swap(ended_);
    }
    for (const std::uint32_t id : ended) {
        const auto found = workers_.find(id);
        found->second.thread.join();
        workers_.erase(found);
    }
}

} // namespace

void serve(UniqueFd socket, const ServerOptions& options, std::function<void(ServerStream&)> handler) {
    Server server(std::move(socket), options, std::move(handler));
    server.run();
}

} // namespace hearth::process::wire
