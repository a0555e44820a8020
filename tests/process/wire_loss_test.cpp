#include "tests/process/wire_peer.hpp"

#include "base/error.hpp"
#include "process/wire/frame.hpp"
#include "process/wire/messages.hpp"
#include "process/wire/socket_io.hpp"
#include "tests/base/expect_error.hpp"

#include <unistd.h>

#include <atomic>

/// What happens when one side goes away or breaks the rules.
namespace hearth::process::wire {
namespace {

using hearth::testing::expect_error;

TEST(Wire, OpenStreamsFailWhenTheChildGoes) {
    boost::asio::io_context io;
    auto [ours, theirs] = socket_pair();
    Connection connection(io.get_executor(), std::move(ours), "runner");
    send_frame(theirs.get(), encode_header(FrameType::hello, 0, hello_head("runner", {}), 0, 0), {}, {});
    run_on(io, connection.handshake());
    Stream stream = run_on(io, open(&connection, "{}"));
    theirs.reset();
    expect_error(ErrorCode::runner_lost, [&] { run_on(io, stream.receive()); });
    run_on(io, connection.wait_closed());
    EXPECT_FALSE(connection.is_open());
    expect_error(ErrorCode::runner_lost, [&] { run_on(io, open(&connection, "{}")); });
    run_on(io, connection.stop());
}

TEST(Wire, EventsBeforeTheChildWentAreGivenFirst) {
    boost::asio::io_context io;
    auto [ours, theirs] = socket_pair();
    Connection connection(io.get_executor(), std::move(ours), "runner");
    send_frame(theirs.get(), encode_header(FrameType::hello, 0, hello_head("runner", {}), 0, 0), {}, {});
    run_on(io, connection.handshake());
    Stream stream = run_on(io, open(&connection, "{}"));
    send_frame(theirs.get(), encode_header(FrameType::data, 1, "first", 0, 0), {}, {});
    theirs.reset();
    run_on(io, connection.wait_closed());
    EXPECT_EQ(run_on(io, stream.receive()).head, "first");
    expect_error(ErrorCode::runner_lost, [&] { run_on(io, stream.receive()); });
    run_on(io, connection.stop());
}

/// What a core makes of a child that sends `bytes` after its hello.
ErrorCode code_after(std::string bytes) {
    boost::asio::io_context io;
    auto [ours, theirs] = socket_pair();
    Connection connection(io.get_executor(), std::move(ours), "runner");
    send_frame(theirs.get(), encode_header(FrameType::hello, 0, hello_head("runner", {}), 0, 0), {}, {});
    run_on(io, connection.handshake());
    Stream stream = run_on(io, open(&connection, "{}"));
    send_frame(theirs.get(), bytes, {}, {});
    ErrorCode code = ErrorCode::internal;
    try {
        run_on(io, count_bytes(&stream));
    } catch (const Error& error) {
        code = error.code();
    }
    EXPECT_FALSE(connection.is_open());
    run_on(io, connection.stop());
    return code;
}

TEST(Wire, EndsWithAChildThatBreaksTheRules) {
    EXPECT_EQ(code_after(encode_header(FrameType::data, 3, {}, 0, 0)), ErrorCode::runner_lost)
        << "never opened";
    EXPECT_EQ(code_after(encode_header(FrameType::open, 1, {}, 0, 0)), ErrorCode::runner_lost)
        << "a child opens";
    EXPECT_EQ(code_after(encode_header(FrameType::hello, 0, {}, 0, 0)), ErrorCode::runner_lost)
        << "a second hello";
    EXPECT_EQ(code_after(std::string(16, '\xff')), ErrorCode::runner_lost) << "noise";
}

TEST(Wire, EndsWithAChildThatIgnoresItsCredit) {
    boost::asio::io_context io;
    auto [ours, theirs] = socket_pair();
    Connection connection(io.get_executor(), std::move(ours), "runner");
    std::thread flood([socket = std::move(theirs)] {
        send_frame(socket.get(), encode_header(FrameType::hello, 0, hello_head("runner", {}), 0, 0), {}, {});
        const std::string body(max_body_bytes, 'x');
        FrameDecoder decoder;
        int frames = 0; // our hello, then the open
        while (frames < 2 && receive_some(socket.get(), decoder, IoMode::block) == IoResult::done) {
            while (decoder.next()) {
                ++frames;
            }
        }
        while (send_frame(socket.get(), encode_header(FrameType::data, 1, {}, body.size(), 0), body, {})) {
        }
    });
    run_on(io, connection.handshake());
    Stream stream = run_on(io, open(&connection, "{}"));
    run_on(io, connection.wait_closed()); // nobody receives, so no credit is given
    flood.join();
    EXPECT_FALSE(connection.is_open());
    run_on(io, connection.stop());
}

TEST(Wire, RefusesAnotherProtocolVersion) {
    boost::asio::io_context io;
    auto [ours, theirs] = socket_pair();
    Connection connection(io.get_executor(), std::move(ours), "fetch");
    send_frame(theirs.get(), encode_header(FrameType::hello, 0, R"({"protocol":2})", 0, 0), {}, {});
    const std::string text = expect_error(ErrorCode::protocol, [&] { run_on(io, connection.handshake()); });
    EXPECT_NE(text.find("protocol 2"), std::string::npos) << text;
    run_on(io, connection.stop());
}

TEST(Wire, TheChildRefusesAnotherProtocolVersionToo) {
    auto [ours, theirs] = socket_pair();
    send_frame(ours.get(), encode_header(FrameType::hello, 0, R"({"protocol":2})", 0, 0), {}, {});
    expect_error(ErrorCode::protocol,
                 [&theirs] { serve(std::move(theirs), WirePeer::default_options(), echo_head); });
}

TEST(Wire, TheChildRefusesAStreamNumberThatDoesNotRise) {
    auto [ours, theirs] = socket_pair();
    std::string bytes = encode_header(FrameType::hello, 0, hello_head("core", {}), 0, 0);
    bytes += encode_header(FrameType::open, 3, {}, 0, 0) + encode_header(FrameType::open, 1, {}, 0, 0);
    send_frame(ours.get(), bytes, {}, {});
    bool told = false;
    ServerOptions options = WirePeer::default_options();
    options.on_eof = [&told] { told = true; };
    expect_error(ErrorCode::protocol, [&] { serve(std::move(theirs), options, echo_head); });
    EXPECT_FALSE(told) << "the core is there, and what it did wrong is to be told";
}

TEST(Wire, HandshakeFailsWhenTheChildEndsFirst) {
    boost::asio::io_context io;
    auto [ours, theirs] = socket_pair();
    Connection connection(io.get_executor(), std::move(ours), "fetch");
    theirs.reset();
    expect_error(ErrorCode::runner_lost, [&] { run_on(io, connection.handshake()); });
    run_on(io, connection.stop());
}

TEST(Wire, TheChildCancelsItsStreamsAndReturnsWhenTheCoreGoes) {
    std::atomic<bool> told = false;
    ServerOptions options = WirePeer::default_options();
    options.on_eof = [&told] { told = true; };
    WirePeer peer(
        [](ServerStream& stream) {
            while (stream.send({}, std::string(1000, 'x'))) {
            }
        },
        options);
    peer.handshake();
    Stream stream = peer.run(open(&peer.connection(), "{}"));
    peer.run(stream.receive());
    EXPECT_FALSE(peer.stop());
    EXPECT_TRUE(told);
}

TEST(Wire, AConnectionMayGoWithoutStop) {
    boost::asio::io_context io;
    auto [ours, theirs] = socket_pair();
    {
        Connection connection(io.get_executor(), std::move(ours), "fetch");
        send_frame(theirs.get(), encode_header(FrameType::hello, 0, hello_head("fetch", {}), 0, 0), {}, {});
        run_on(io, connection.handshake());
    }
    io.restart();
    io.run(); // its handlers end by themselves
    char byte = 0;
    while (::read(theirs.get(), &byte, 1) > 0) {
    }
    EXPECT_EQ(::read(theirs.get(), &byte, 1), 0) << "the child sees the end";
}

} // namespace
} // namespace hearth::process::wire
