#include "runtime/runner/request_stream.hpp"

#include "base/error.hpp"
#include "process/wire/frame.hpp"
#include "runtime/runner/runner_process.hpp"

#include <nlohmann/json.hpp>

namespace hearth::runtime {

namespace asio = boost::asio;

Json describe_files(const std::vector<registry::OpenModelFile>& files) {
    Json list = Json::array();
    for (const registry::OpenModelFile& file : files) {
        list.push_back({{"role", registry::role_name(file.role)},
                        {"size", file.size_bytes},
                        {"shard", file.shard},
                        {"of", file.of}});
    }
    return list;
}

std::vector<UniqueFd> take_descriptors(std::vector<registry::OpenModelFile> files) {
    std::vector<UniqueFd> descriptors;
    descriptors.reserve(files.size());
    for (registry::OpenModelFile& file : files) {
        descriptors.push_back(std::move(file.fd));
    }
    return descriptors;
}

WireRequestStream::WireRequestStream(process::wire::Stream stream, std::shared_ptr<RunnerExit> exit)
    : stream_(std::move(stream)), exit_(std::move(exit)) {}

asio::awaitable<std::optional<std::string>> WireRequestStream::next() {
    if (ended_) {
        co_return std::nullopt;
    }
    std::optional<Error> failed;
    try {
        std::optional<std::string> event = co_await receive();
        co_return event;
    } catch (const Error& error) {
        failed = error;
    }
    ended_ = true;
    if (failed->code() == ErrorCode::runner_lost) {
        failed = co_await explain_loss(exit_);
    }
    throw Error(*failed);
}

asio::awaitable<std::optional<std::string>> WireRequestStream::receive() {
    std::string event;
    while (true) {
        process::wire::Event frame = co_await stream_.receive();
        if (frame.kind == process::wire::Event::Kind::end) {
            ended_ = true;
            if (!event.empty()) {
                throw Error(ErrorCode::protocol, "the runner ended in the middle of an event");
            }
            co_return std::nullopt;
        }
        event += frame.body;
        // The wire splits an event that is larger than a frame: a full frame is followed by the rest, unless
        // the event is complete.
        const bool split = frame.body.size() == process::wire::max_body_bytes && !Json::accept(event);
        if (!split && !event.empty()) {
            co_return event;
        }
    }
}

} // namespace hearth::runtime
