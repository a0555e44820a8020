#pragma once

#include "base/async/event.hpp"
#include "base/error.hpp"
#include "registry/pull/fetcher.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hearth::registry::testing {

/// What a FakeOrigin answers to one request.
struct Reply {
    int status = 200;
    std::map<std::string, std::string> headers;
    std::string body;
    std::optional<std::size_t> cut_after; ///< the connection breaks after so many bytes of the body
    std::optional<Error> failure;         ///< no answer at all
    bool wait_for_gate = false;           ///< the body stops half-way until the gate opens
};

/// A Fetcher without a network: a script decides what each request gets. Serves everything in memory and
/// counts.
class FakeOrigin : public Fetcher {
  public:
    using Script = std::function<Reply(const FetchRequest&)>;

    explicit FakeOrigin(boost::asio::any_io_executor executor) : gate_(executor) {}

    /// A file that honours ranges, unless a script for its URL says otherwise.
    void add(const std::string& url, std::string content, std::map<std::string, std::string> headers = {}) {
        files_[url] = {std::move(content), std::move(headers)};
    }
    /// Takes over for one URL: called with every request to it; nullopt lets the file answer.
    void script(const std::string& url, std::function<std::optional<Reply>(const FetchRequest&)> script) {
        scripts_[url] = std::move(script);
    }
    /// What a well-behaved server would answer.
    Reply honest(const FetchRequest& request) const {
        const auto file = files_.find(request.url);
        if (file == files_.end()) {
            return Reply{.status = 404, .headers = {}, .body = "no", .cut_after = {}, .failure = {}};
        }
        const auto& [content, headers] = file->second;
        Reply reply;
        reply.headers = headers;
        if (request.range_from >= content.size() && request.range_from > 0) {
            reply.status = 416;
            reply.headers["content-range"] = "bytes */" + std::to_string(content.size());
            return reply;
        }
        const std::size_t wanted = request.range_bytes > 0 ? request.range_bytes : content.size();
        reply.body = content.substr(request.range_from, wanted);
        if (request.range_from > 0 || request.range_bytes > 0) {
            reply.status = 206;
            reply.headers["content-range"] = "bytes " + std::to_string(request.range_from) + "-" +
                                             std::to_string(request.range_from + reply.body.size() - 1) +
                                             "/" + std::to_string(content.size());
        }
        reply.headers["content-length"] = std::to_string(reply.body.size());
        return reply;
    }

    boost::asio::awaitable<std::unique_ptr<FetchResponse>> get(FetchRequest request) override {
        requests.push_back(request);
        Reply reply = honest(request);
        if (const auto found = scripts_.find(request.url); found != scripts_.end()) {
            if (auto scripted = found->second(request)) {
                reply = std::move(*scripted);
            }
        }
        if (reply.status == 200 && request.range_bytes > 0) { // hearth-fetch cuts what is too much
            reply.body = reply.body.substr(0, request.range_from + request.range_bytes);
        }
        if (reply.failure) {
            throw *reply.failure;
        }
        if (request.head_only) {
            reply.body.clear();
        }
        co_return std::make_unique<Response>(*this, std::move(request), std::move(reply));
    }

    void open_gate() {
        gate_is_open_ = true;
        gate_.notify_all();
    }
    /// Requests for one URL so far.
    std::size_t count(const std::string& url) const {
        std::size_t count = 0;
        for (const FetchRequest& request : requests) {
            count += request.url == url && !request.head_only ? 1 : 0;
        }
        return count;
    }

    std::vector<FetchRequest> requests;
    std::uint64_t served_bytes = 0;
    int open_responses = 0;

  private:
    class Response : public FetchResponse {
      public:
        Response(FakeOrigin& origin, FetchRequest request, Reply reply)
            : origin_(origin), request_(std::move(request)), reply_(std::move(reply)) {
            ++origin_.open_responses;
        }
        ~Response() override { --origin_.open_responses; }
        int status() const override { return reply_.status; }
        std::string header(const std::string& name) const override {
            const auto found = reply_.headers.find(name);
            return found == reply_.headers.end() ? std::string() : found->second;
        }
        std::string final_url() const override { return request_.url; }

        boost::asio::awaitable<std::optional<std::string>> read() override {
            if (reply_.wait_for_gate && at_ * 2 >= reply_.body.size()) {
                while (!origin_.gate_is_open_) {
                    co_await origin_.gate_.wait();
                }
            }
            const std::size_t end =
                reply_.cut_after ? std::min(*reply_.cut_after, reply_.body.size()) : reply_.body.size();
            if (at_ >= end) {
                if (reply_.cut_after) {
                    throw Error(ErrorCode::registry_unreachable, "the origin broke off");
                }
                co_return std::nullopt;
            }
            std::string piece = reply_.body.substr(at_, std::min<std::size_t>(end - at_, 100'000));
            at_ += piece.size();
            origin_.served_bytes += piece.size();
            co_return piece;
        }

      private:
        FakeOrigin& origin_;
        FetchRequest request_;
        Reply reply_;
        std::size_t at_ = 0;
    };

    std::map<std::string, std::pair<std::string, std::map<std::string, std::string>>> files_;
    std::map<std::string, std::function<std::optional<Reply>(const FetchRequest&)>> scripts_;
    AsyncEvent gate_;
    bool gate_is_open_ = false;
};

} // namespace hearth::registry::testing
