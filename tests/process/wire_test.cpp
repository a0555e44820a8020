#include "tests/process/wire_peer.hpp"

#include "base/async/task_group.hpp"
#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "process/wire/frame.hpp"
#include "tests/base/expect_error.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <latch>

namespace hearth::process::wire {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using hearth::testing::expect_error;
using namespace std::chrono_literals;

TEST(Wire, AnswersACall) {
    WirePeer peer(echo_head);
    peer.handshake();
    EXPECT_EQ(peer.run(call(&peer.connection(), R"({"op":"x"})")), R"({"op":"x"})");
    EXPECT_FALSE(peer.stop());
}

TEST(Wire, TellsWhatTheChildSaysInItsHello) {
    ServerOptions options = WirePeer::default_options();
    options.hello_extra = R"({"plugin":{"name":"echo"}})";
    WirePeer peer(echo_head, options);
    peer.handshake();
    EXPECT_NE(peer.connection().peer_hello().find(R"("plugin":{"name":"echo"})"), std::string::npos);
    EXPECT_NE(peer.connection().peer_hello().find(R"("role":"runner")"), std::string::npos);
}

TEST(Wire, CarriesAnErrorWithItsCodeAndHint) {
    WirePeer peer(
        [](ServerStream&) { throw Error(ErrorCode::model_invalid, "not a GGUF", "pull it again"); });
    peer.handshake();
    try {
        peer.run(call(&peer.connection(), "{}"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::model_invalid);
        EXPECT_STREQ(error.what(), "not a GGUF");
        EXPECT_EQ(error.hint(), "pull it again");
    }
}

TEST(Wire, EndsAStreamWhoseHandlerSaysNothing) {
    WirePeer peer([](ServerStream&) {});
    peer.handshake();
    EXPECT_EQ(peer.run(call(&peer.connection(), "{}")), "");
}

awaitable<void> expect_own_answers(Connection* connection, int number, int* right) {
    const std::string head = std::to_string(number);
    Stream stream = co_await open(connection, head);
    int frames = 0;
    while (true) {
        Event event = co_await stream.receive();
        if (event.head != head) {
            co_return;
        }
        if (event.kind == Event::Kind::end) {
            break;
        }
        ++frames;
    }
    if (frames == 20) {
        ++*right;
    }
}

awaitable<int> run_many(Connection* connection, int count) {
    const auto executor = co_await asio::this_coro::executor;
    TaskGroup tasks(executor);
    int right = 0;
    for (int number = 0; number < count; ++number) {
        tasks.spawn("stream", expect_own_answers(connection, number, &right));
    }
    co_await tasks.join();
    co_return right;
}

TEST(Wire, KeepsAThousandInterleavedStreamsApart) {
    ServerOptions options = WirePeer::default_options();
    options.max_threads = 1000;
    std::latch all_open(1000);
    WirePeer peer(
        [&all_open](ServerStream& stream) {
            all_open.arrive_and_wait();
            for (int count = 0; count < 20; ++count) {
                stream.send(stream.head(), "token");
            }
            stream.end(stream.head());
        },
        options);
    peer.handshake();
    EXPECT_EQ(peer.run(run_many(&peer.connection(), 1000)), 1000);
}

TEST(Wire, AnswersBusyAboveItsThreads) {
    ServerOptions options = WirePeer::default_options();
    options.max_threads = 1;
    std::latch release(1);
    WirePeer peer([&release](ServerStream&) { release.wait(); }, options);
    peer.handshake();
    Stream first = peer.run(open(&peer.connection(), "{}"));
    expect_error(ErrorCode::busy, [&] { peer.run(call(&peer.connection(), "{}")); });
    release.count_down();
    EXPECT_EQ(peer.run(count_bytes(&first)), 0u);
    EXPECT_EQ(peer.run(call(&peer.connection(), "{}")), "") << "the place is free again";
}

TEST(Wire, MovesThreeHundredMegabytesThroughOneStream) {
    constexpr std::size_t frame_bytes = 256u << 10;
    constexpr std::size_t frames = 300u * 4;
    WirePeer peer([](ServerStream& stream) {
        const std::string body(frame_bytes, 'x');
        for (std::size_t count = 0; count < frames; ++count) {
            ASSERT_TRUE(stream.send({}, body));
        }
    });
    peer.handshake();
    Stream stream = peer.run(open(&peer.connection(), "{}"));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(peer.run(count_bytes(&stream)), frames * frame_bytes);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    RecordProperty("megabytes_per_second", static_cast<int>(300 / seconds.count()));
}

TEST(Wire, SplitsABodyAboveTheLimit) {
    WirePeer peer([](ServerStream& stream) { stream.send({}, std::string(3 * max_body_bytes + 5, 'x')); });
    peer.handshake();
    Stream stream = peer.run(open(&peer.connection(), "{}"));
    EXPECT_EQ(peer.run(count_bytes(&stream)), 3 * max_body_bytes + 5);
}

TEST(Wire, ASlowConsumerDoesNotStallTheOthers) {
    std::atomic<int> slow_frames = 0;
    WirePeer peer([&slow_frames](ServerStream& stream) {
        if (stream.head() == "slow") {
            const std::string body(max_body_bytes, 'x');
            while (stream.send({}, body)) {
                ++slow_frames;
            }
        } else {
            stream.end("done");
        }
    });
    peer.handshake();
    Stream slow = peer.run(open(&peer.connection(), "slow"));
    for (int count = 0; count < 50; ++count) {
        EXPECT_EQ(peer.run(call(&peer.connection(), "fast")), "done");
    }
    EXPECT_LE(slow_frames * max_body_bytes, initial_window_bytes);
}

TEST(Wire, MixesLargestFramesWithHeldBackCredit) {
    WirePeer peer([](ServerStream& stream) {
        for (int count = 0; count < 200; ++count) {
            stream.send({}, std::string(100'000, 'x'));
            stream.send({}, std::string(max_body_bytes, 'x'));
        }
    });
    peer.handshake();
    Stream stream = peer.run(open(&peer.connection(), "{}"));
    EXPECT_EQ(peer.run(count_bytes(&stream)), 200u * (100'000 + max_body_bytes));
}

awaitable<void> send_frames(Stream* stream, int count, std::size_t size) {
    for (int number = 0; number < count; ++number) {
        std::string body(size, 'x');
        co_await stream->send(std::string(), std::move(body));
    }
    std::string head = "last";
    co_await stream->send(std::move(head), std::string());
}

TEST(Wire, SendsDataToTheChildWithinItsCredit) {
    std::size_t total = 0;
    WirePeer peer([&total](ServerStream& stream) {
        while (const auto incoming = stream.receive()) {
            total += incoming->body.size();
            if (incoming->head == "last") {
                break;
            }
        }
        stream.end(std::to_string(total));
    });
    peer.handshake();
    Stream stream = peer.run(open(&peer.connection(), "{}"));
    peer.run(send_frames(&stream, 40, 700'000));
    const Event end = peer.run(stream.receive());
    EXPECT_EQ(end.head, std::to_string(40 * 700'000));
}

awaitable<Event> call_with(Connection* connection, std::string body, std::vector<UniqueFd> fds) {
    std::string head = "{}";
    co_return co_await connection->call(std::move(head), std::move(body), std::move(fds));
}

std::vector<UniqueFd> open_nulls(int count) {
    std::vector<UniqueFd> fds;
    for (int number = 0; number < count; ++number) {
        fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    return fds;
}

TEST(Wire, CarriesDescriptorsBothWays) {
    WirePeer peer([](ServerStream& stream) {
        std::vector<UniqueFd> fds = stream.take_fds();
        const std::string count = std::to_string(fds.size());
        stream.end(count, std::move(fds));
    });
    peer.handshake();
    for (const int count : {1, 2, static_cast<int>(max_fds)}) {
        const Event end =
            peer.run(call_with(&peer.connection(), std::string(500'000, 'x'), open_nulls(count)));
        EXPECT_EQ(end.head, std::to_string(count));
        ASSERT_EQ(end.fds.size(), static_cast<std::size_t>(count));
        for (const UniqueFd& fd : end.fds) {
            EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
        }
    }
}

TEST(Wire, CarriesARequestBodyOfManyMegabytes) {
    WirePeer peer([](ServerStream& stream) { stream.end(std::to_string(stream.body().size())); });
    peer.handshake();
    const Event end = peer.run(call_with(&peer.connection(), std::string(40u << 20, 'x'), no_fds()));
    EXPECT_EQ(end.head, std::to_string(40u << 20));
}

TEST(Wire, RefusesARequestAboveItsLimitAndGoesOn) {
    WirePeer peer(echo_head);
    peer.handshake();
    expect_error(ErrorCode::protocol, [&] {
        peer.run(call_with(&peer.connection(), std::string(max_open_body_bytes + 1, 'x'), no_fds()));
    });
    EXPECT_EQ(peer.run(call(&peer.connection(), "{}")), "{}");
}

TEST(Wire, CancelStopsABlockedSenderAndItsEndStillArrives) {
    WirePeer peer([](ServerStream& stream) {
        const std::string body(max_body_bytes, 'x');
        while (stream.send({}, body)) {
        }
        throw Error(ErrorCode::cancelled, stream.cancelled() ? "as asked" : "not asked");
    });
    peer.handshake();
    Stream stream = peer.run(open(&peer.connection(), "{}"));
    peer.run(stream.receive());
    stream.cancel();
    const std::string text = expect_error(ErrorCode::cancelled, [&] { peer.run(count_bytes(&stream)); });
    EXPECT_EQ(text, "as asked");
}

TEST(Wire, DestroyingAStreamCancelsItsHandler) {
    std::latch cancelled(1);
    WirePeer peer([&cancelled](ServerStream& stream) {
        if (stream.head() == "long") {
            std::latch asked(1);
            stream.on_cancel([&asked] { asked.count_down(); });
            asked.wait();
            stream.on_cancel({});
            cancelled.count_down();
        }
    });
    peer.handshake();
    {
        const Stream stream = peer.run(open(&peer.connection(), "long"));
    }
    cancelled.wait();
    EXPECT_EQ(peer.run(call(&peer.connection(), "short")), "") << "the connection goes on";
}

TEST(Wire, CallsBackAtOnceWhenTheStreamIsCancelledAlready) {
    std::latch cancelled(1);
    WirePeer peer([&cancelled](ServerStream& stream) {
        while (!stream.cancelled()) {
            std::this_thread::yield();
        }
        stream.on_cancel([&cancelled] { cancelled.count_down(); });
    });
    peer.handshake();
    {
        const Stream stream = peer.run(open(&peer.connection(), "{}"));
    }
    cancelled.wait();
}

awaitable<void> receive_one(Stream* stream) {
    co_await stream->receive();
}

awaitable<void> receive_for(Stream* stream, std::chrono::milliseconds limit) {
    co_await with_timeout(limit, "receiving", receive_one(stream));
}

TEST(Wire, ACancelledReceiveLosesNothing) {
    std::latch go(1);
    WirePeer peer([&go](ServerStream& stream) {
        go.wait();
        stream.send("late", {});
    });
    peer.handshake();
    Stream stream = peer.run(open(&peer.connection(), "{}"));
    expect_error(ErrorCode::timeout, [&] { peer.run(receive_for(&stream, 1ms)); });
    go.count_down();
    EXPECT_EQ(peer.run(stream.receive()).head, "late");
}

} // namespace
} // namespace hearth::process::wire
