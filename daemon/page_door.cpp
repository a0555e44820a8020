#include "daemon/page_door.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "daemon/http/listen_sockets.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds least_look(50);
constexpr std::chrono::milliseconds most_look(15'000);

http::DoorRules page_rules() {
    http::DoorRules rules;
    rules.pages = http::Pages::own;
    return rules;
}

} // namespace

PageDoor::PageDoor(asio::any_io_executor executor, http::Site files, PageDoorSeams seams, const Clock& clock)
    : seams_(std::move(seams)), clock_(clock), site_(std::move(files)), sessions_(clock), opened_(executor),
      tasks_(executor) {
    auto handler = [this](http::Request request, http::ResponseWriter& out) {
        return exchange(std::move(request), out);
    };
    site_.routes.add({"POST", "/session", http::Access::infer, http::BodySize::json, handler});
}

PageDoor::~PageDoor() = default;

asio::awaitable<PageLink> PageDoor::open(std::chrono::seconds patience) {
    patience_ = patience;
    while (opening_) {
        co_await opened_.wait();
    }
    if (!door_) {
        co_await open_door();
    }
    const std::string address = "http://" + http::endpoint_text(door_->endpoint()) + "/";
    co_return PageLink{address, address + "#t=" + sessions_.issue_ticket()};
}

asio::awaitable<void> PageDoor::open_door() {
    opening_ = true;
    std::exception_ptr failure;
    try {
        UniqueFd socket = co_await seams_.listen();
        auto check = [this](std::string_view token) { return sessions_.check(token); };
        door_ = std::make_unique<http::Door>(http::bound_endpoint(socket.get()), page_rules(), check, nullptr,
                                             &site_);
        seams_.serve(std::move(socket), *door_);
        log::info("page", "open at http://" + http::endpoint_text(door_->endpoint()) + "/");
        tasks_.spawn("page-door", close_when_unused());
    } catch (...) {
        failure = std::current_exception();
    }
    opening_ = false;
    opened_.notify_all();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

std::optional<http::Endpoint> PageDoor::endpoint() const {
    return door_ ? std::make_optional(door_->endpoint()) : std::nullopt;
}

std::chrono::steady_clock::duration PageDoor::look_interval() const {
    const auto quarter = std::chrono::duration_cast<std::chrono::milliseconds>(patience_) / 4;
    return std::clamp(quarter, least_look, most_look);
}

asio::awaitable<void> PageDoor::close_when_unused() {
    auto last_used = clock_.steady_now();
    for (bool wanted = true; wanted;) {
        co_await sleep_for(look_interval());
        if (seams_.is_used(*door_)) {
            last_used = clock_.steady_now();
        }
        wanted = sessions_.is_awaited() && clock_.steady_now() - last_used < patience_;
    }
    log::info("page", "closed: no page is connected");
    sessions_.clear();
    const http::Door* door = door_.get();
    closing_.push_back(std::move(door_));
    co_await seams_.close(*door);
    std::erase_if(closing_, [&](const auto& other) { return other.get() == door; });
}

asio::awaitable<void> PageDoor::exchange(http::Request request, http::ResponseWriter& out) {
    const auto token = sessions_.redeem(require_string(parse_json(request.body, "the body"), "ticket"));
    if (!token) {
        throw Error(ErrorCode::token_required, "this link was used already, or is too old",
                    "hearth open gives another one");
    }
    Json answer = {{"token", *token}};
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> PageDoor::stop() {
    tasks_.cancel();
    co_await tasks_.join();
}

} // namespace hearth::daemon
