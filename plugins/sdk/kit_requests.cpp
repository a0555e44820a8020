#include "plugins/sdk/kit.hpp"
#include "plugins/sdk/shapes.hpp"

#include <array>
#include <atomic>
#include <thread>

namespace hearth::sdk {

namespace {

constexpr int short_answer_tokens = 8;
constexpr int long_answer_tokens = 128;

/// One request that is freed whatever happens.
class Request {
  public:
    Request(const Plugin& plugin, hearth_model* model, const std::string& operation, const Json& body)
        : plugin_(plugin) {
        plugin.create(model, operation, body.dump(), request_).must_be_ok();
        require(request_ != nullptr, "request_create returned OK and no request");
    }
    ~Request() { plugin_.table().request_free(request_); }
    Request(const Request&) = delete;
    Outcome run(const std::function<bool(std::size_t)>& on_event) const {
        return plugin_.run(request_, on_event);
    }
    void cancel() const { plugin_.table().request_cancel(request_); }

  private:
    const Plugin& plugin_;
    hearth_request* request_ = nullptr;
};

/// A plugin that had only its last event to write may call that done.
void require_cancelled(const Outcome& outcome, std::size_t events_allowed) {
    if (outcome.status == HEARTH_OK && outcome.events.size() <= events_allowed) {
        return;
    }
    outcome.must_be(HEARTH_E_CANCELLED);
}

} // namespace

void Kit::check_operations() {
    for (const std::string& operation : operations_) {
        for (const bool stream : {false, true}) {
            report_.check(operation + (stream ? " answers, streamed" : " answers"), [&] {
                const Json body = body_for(operation, stream, short_answer_tokens);
                const Outcome outcome = plugin_->ask(model_, operation, body).must_be_ok();
                check_events(operation, outcome.all(), stream);
                for (const std::string& event : outcome.events) {
                    require(event.find("/proc/self/fd") == std::string::npos, "the descriptor's path shows");
                }
            });
        }
    }
    for (const char* operation : {"chat", "complete"}) {
        if (offers(operation)) {
            check_cancelling(operation);
            check_many_at_once(operation);
        }
    }
}

void Kit::check_bad_requests() {
    auto refused = [&](const std::string& operation, const std::string& body, hearth_status expected) {
        hearth_request* request = nullptr;
        plugin_->create(model_, operation, body, request).must_be(expected);
        require(request == nullptr, "a request came back with the error");
    };
    report_.check("an unknown operation is E_UNSUPPORTED",
                  [&] { refused("no-such-operation", "{}", HEARTH_E_UNSUPPORTED); });
    for (const std::string& operation : operations_) {
        report_.check(operation + ": a body that is no JSON is E_INVALID",
                      [&] { refused(operation, "{\"stream\": tru", HEARTH_E_INVALID); });
        report_.check(operation + ": a body that is no object is E_INVALID",
                      [&] { refused(operation, "[1]", HEARTH_E_INVALID); });
        report_.check(operation + ": members of wrong types are E_INVALID", [&] {
            refused(operation, R"({"messages": 5, "prompt": {}, "input": {}, "content": {}})",
                    HEARTH_E_INVALID);
        });
    }
}

void Kit::check_cancelling(const std::string& operation) {
    const Json body = body_for(operation, true, long_answer_tokens);
    report_.check(operation + ": a request can be freed without a run",
                  [&] { const Request request(*plugin_, model_, operation, body); });
    report_.check(operation + ": cancelled before it runs", [&] {
        const Request request(*plugin_, model_, operation, body);
        request.cancel();
        request.run({}).must_be(HEARTH_E_CANCELLED);
    });
    report_.check(operation + ": cancelled while it runs", [&] {
        const Request request(*plugin_, model_, operation, body);
        std::thread canceller;
        const Outcome outcome = request.run([&](std::size_t count) {
            if (count == 1) { // from another thread, and done before the plugin goes on
                canceller = std::thread([&] { request.cancel(); });
                canceller.join();
            }
            return true;
        });
        require_cancelled(outcome, 2);
    });
    report_.check(operation + ": the sink says stop", [&] {
        const Request request(*plugin_, model_, operation, body);
        require_cancelled(request.run([](std::size_t) { return false; }), 1);
    });
    report_.check(operation + ": cancel after the end does no harm", [&] {
        const Request request(*plugin_, model_, operation, body_for(operation, true, short_answer_tokens));
        request.run({}).must_be_ok();
        request.cancel();
    });
}

void Kit::check_many_at_once(const std::string& operation) {
    report_.check(operation + ": eight at once", [&] {
        std::array<std::string, 8> wrong;
        std::vector<std::thread> threads;
        threads.reserve(wrong.size());
        for (std::string& mine : wrong) {
            threads.emplace_back([&] {
                try {
                    const Json body = body_for(operation, true, short_answer_tokens);
                    check_events(operation, plugin_->ask(model_, operation, body).must_be_ok().all(), true);
                } catch (const std::exception& exception) {
                    mine = exception.what();
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        for (const std::string& why : wrong) {
            require(why.empty(), why);
        }
    });
}

} // namespace hearth::sdk
