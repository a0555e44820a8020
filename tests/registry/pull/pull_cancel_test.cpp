#include "tests/base/expect_error.hpp"
#include "tests/registry/pull/store_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

namespace hearth::registry::testing {
namespace {

namespace asio = boost::asio;

/// Pulls that stop half-way at the gate.
class PullCancellation : public PullTest {
  protected:
    struct Listener {
        asio::cancellation_signal cancel;
        std::uint64_t completed = 0;
        bool done = false;
        std::exception_ptr failure;
    };

    PullCancellation() : weights(model_bytes()) {
        serve_model("library/tiny", {weights});
        origin->script(url(), [this](const FetchRequest& request) -> std::optional<Reply> {
            Reply reply = origin->honest(request);
            reply.wait_for_gate = true;
            return reply;
        });
    }

    std::string url() const { return blob_url("library/tiny", sha256_of(weights)); }

    void start_pull(Listener& listener) {
        auto note = [&listener](const PullProgress& line) {
            listener.completed = std::max(listener.completed, line.completed_bytes);
        };
        auto done = [&listener](std::exception_ptr failure) {
            listener.done = true;
            listener.failure = failure;
        };
        asio::co_spawn(*io, listen(note), asio::bind_cancellation_slot(listener.cancel.slot(), done));
    }

    asio::awaitable<void> listen(std::function<void(const PullProgress&)> note) {
        PullRequest request{.name = "tiny", .as = {}, .insecure = false};
        co_await engine->pull(std::move(request), std::move(note));
    }

    /// Runs until `condition` holds.
    template <class Condition> void run_until(Condition condition) {
        io->restart();
        while (!condition() && io->run_one() > 0) {
        }
    }

    std::string weights;
};

TEST_F(PullCancellation, TheLastListenerEndsTheJobAndItsBytesStay) {
    Listener listener;
    start_pull(listener);
    run_until([&] { return origin->served_bytes >= weights.size() / 2; });
    listener.cancel.emit(asio::cancellation_type::terminal);
    run_until([&] { return listener.done && origin->open_responses == 0; });
    ASSERT_TRUE(listener.failure);
    EXPECT_EQ(to_error(listener.failure).code(), ErrorCode::cancelled);
    run(engine->stop()); // waits for what the job still writes
    EXPECT_GE(store->partial_bytes(), weights.size() / 2);
    EXPECT_FALSE(store->contains(sha256_of(weights)));
}

TEST_F(PullCancellation, TheJobGoesOnForTheListenerThatStays) {
    Listener first;
    Listener second;
    start_pull(first);
    start_pull(second);
    run_until([&] { return origin->served_bytes >= weights.size() / 2; });
    first.cancel.emit(asio::cancellation_type::terminal);
    run_until([&] { return first.done; });
    EXPECT_EQ(origin->open_responses, 1);
    origin->open_gate();
    run_until([&] { return second.done; });
    EXPECT_FALSE(second.failure);
    EXPECT_TRUE(store->contains(sha256_of(weights)));
    EXPECT_EQ(origin->count(url()), 1u);
}

TEST_F(PullCancellation, ALateListenerHearsWhereThingsStand) {
    Listener first;
    start_pull(first);
    run_until([&] { return first.completed > 0; });
    Listener late;
    start_pull(late);
    run_until([&] { return late.completed >= first.completed; });
    origin->open_gate();
    run_until([&] { return first.done && late.done; });
    EXPECT_EQ(late.completed, weights.size());
}

TEST_F(PullCancellation, APullAfterACancelledOneContinuesIt) {
    Listener first;
    start_pull(first);
    run_until([&] { return origin->served_bytes >= weights.size() / 2; });
    first.cancel.emit(asio::cancellation_type::terminal);
    run_until([&] { return first.done; });
    Listener second;
    start_pull(second);
    origin->open_gate();
    run_until([&] { return second.done; });
    EXPECT_FALSE(second.failure);
    std::uint64_t resumed_at = 0;
    for (const FetchRequest& request : origin->requests) {
        resumed_at = std::max(resumed_at, request.range_from);
    }
    EXPECT_GE(resumed_at, weights.size() / 2);
    EXPECT_LT(origin->served_bytes, weights.size() + 200'000);
}

TEST_F(PullCancellation, StoppingTheEngineEndsEveryPull) {
    Listener listener;
    start_pull(listener);
    run_until([&] { return origin->served_bytes >= weights.size() / 2; });
    run(engine->stop());
    EXPECT_TRUE(listener.done);
    EXPECT_EQ(origin->open_responses, 0);
}

} // namespace
} // namespace hearth::registry::testing
