#include "process/wire/frame.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <algorithm>
#include <random>

namespace hearth::process::wire {
namespace {

std::string encode(const Frame& frame) {
    return encode_header(frame) + frame.body;
}

void feed(FrameDecoder& decoder, std::string_view bytes) {
    decoder.feed(std::as_bytes(std::span(bytes)));
}

/// What a socket would do: bytes go where the decoder asks for them.
void receive_into(FrameDecoder& decoder, std::string_view bytes) {
    const auto targets = decoder.prepare();
    std::size_t done = 0;
    for (const auto& target : targets) {
        const std::size_t count = std::min(target.size(), bytes.size() - done);
        std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()) + done, count, target.begin());
        done += count;
    }
    ASSERT_EQ(done, bytes.size());
    decoder.commit(done);
}

Frame make_data(std::uint32_t stream, std::string head, std::string body) {
    return {.type = FrameType::data,
            .stream = stream,
            .head = std::move(head),
            .body = std::move(body),
            .fds = {}};
}

ErrorCode code_of_next(FrameDecoder& decoder) {
    try {
        decoder.next();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

/// A header with every field free.
std::string raw_header(std::uint32_t head, std::uint32_t body, std::uint32_t stream, std::uint8_t type,
                       std::uint8_t fds = 0, std::uint8_t reserved = 0) {
    std::string out;
    for (const std::uint32_t value : {head, body, stream}) {
        for (int shift = 0; shift < 32; shift += 8) {
            out.push_back(static_cast<char>((value >> shift) & 0xff));
        }
    }
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(fds));
    out.push_back(static_cast<char>(reserved));
    out.push_back('\0');
    return out;
}

TEST(FrameDecoder, GivesBackWhatWasEncoded) {
    FrameDecoder decoder;
    feed(decoder, encode(make_data(7, R"({"a":1})", "bytes")));
    const auto frame = decoder.next();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->type, FrameType::data);
    EXPECT_EQ(frame->stream, 7u);
    EXPECT_EQ(frame->head, R"({"a":1})");
    EXPECT_EQ(frame->body, "bytes");
    EXPECT_FALSE(decoder.next());
}

TEST(FrameDecoder, EncodesLittleEndianAsTheHeaderSays) {
    const std::string bytes = encode(make_data(0x01020304, "h", "bc"));
    const std::string expected("\x01\0\0\0\x02\0\0\0\x04\x03\x02\x01\x03\0\0\0hbc", 19);
    EXPECT_EQ(bytes, expected);
}

std::vector<Frame> random_frames(std::mt19937& random) {
    std::vector<Frame> frames;
    const auto below = [&random](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit)(random);
    };
    for (int count = 0; count < 40; ++count) {
        const bool large = below(9) == 0;
        std::string body(below(large ? 200'000 : 30), static_cast<char>('a' + count % 26));
        std::string head(below(20), 'h');
        frames.push_back(
            make_data(static_cast<std::uint32_t>(1 + 2 * below(100)), std::move(head), std::move(body)));
    }
    return frames;
}

template <class Feed> void expect_same_at_random_splits(unsigned seed, Feed feed_part) {
    std::mt19937 random(seed);
    const std::vector<Frame> frames = random_frames(random);
    std::string bytes;
    for (const Frame& frame : frames) {
        bytes += encode(frame);
    }
    FrameDecoder decoder;
    std::size_t taken = 0;
    std::string_view rest = bytes;
    while (!rest.empty()) {
        const std::size_t limit = random() % 4 == 0 ? 3 : 30'000;
        const std::size_t part = std::min(rest.size(), 1 + random() % limit);
        feed_part(decoder, rest.substr(0, part));
        rest.remove_prefix(part);
        while (const auto frame = decoder.next()) {
            ASSERT_LT(taken, frames.size());
            EXPECT_EQ(frame->stream, frames[taken].stream);
            EXPECT_EQ(frame->head, frames[taken].head);
            EXPECT_EQ(frame->body, frames[taken].body);
            ++taken;
        }
    }
    EXPECT_EQ(taken, frames.size()) << "seed " << seed;
}

TEST(FrameDecoder, DecodesTheSameHoweverTheBytesAreSplit) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        expect_same_at_random_splits(seed, feed);
    }
}

TEST(FrameDecoder, DecodesTheSameWhenBodiesAreReceivedInPlace) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        expect_same_at_random_splits(seed, receive_into);
    }
}

TEST(FrameDecoder, RefusesWhatBreaksALimit) {
    const std::string bad[] = {
        raw_header(max_head_bytes + 1, 0, 1, 3),
        raw_header(0, max_body_bytes + 1, 1, 3),
        raw_header(0, max_open_body_bytes + 1, 1, 2),
        raw_header(0xffffffff, 0xffffffff, 1, 2),
        raw_header(0, 0, 1, 0),
        raw_header(0, 0, 1, 8),
        raw_header(0, 0, 1, 255),
        raw_header(2, 0, 1, 1),
        raw_header(0, 0, 0, 3),
        raw_header(0, 0, 1, 3, max_fds + 1),
        raw_header(0, 0, 1, 6, 1),
        raw_header(0, 0, 1, 3, 0, 1),
        raw_header(0, 3, 1, 7),
        raw_header(0, 1, 1, 6),
    };
    for (const std::string& header : bad) {
        FrameDecoder decoder;
        feed(decoder, header);
        EXPECT_EQ(code_of_next(decoder), ErrorCode::protocol) << &header - bad;
    }
}

TEST(FrameDecoder, GivesTheFramesBeforeTheBrokenOneFirst) {
    FrameDecoder decoder;
    feed(decoder,
         encode(make_data(1, "", "good")) + raw_header(0, 0, 1, 99) + encode(make_data(1, "", "late")));
    ASSERT_TRUE(decoder.next());
    EXPECT_EQ(code_of_next(decoder), ErrorCode::protocol);
    EXPECT_EQ(code_of_next(decoder), ErrorCode::protocol) << "it stays broken";
}

TEST(FrameDecoder, StaysUsableToReceiveIntoAfterARefusal) {
    FrameDecoder decoder;
    feed(decoder, encode(make_data(1, "", "good")) + raw_header(0, 246, 1, 6));
    EXPECT_TRUE(decoder.prepare()[0].empty());
    receive_into(decoder, "more");
    ASSERT_TRUE(decoder.next());
    EXPECT_EQ(code_of_next(decoder), ErrorCode::protocol);
}

TEST(FrameDecoder, AllowsALargeBodyOnlyWhenAStreamOpens) {
    FrameDecoder decoder;
    feed(decoder, raw_header(0, max_open_body_bytes, 1, 2));
    EXPECT_FALSE(decoder.next());
}

TEST(FrameDecoder, HandsDescriptorsToTheFramesThatAnnounceThem) {
    FrameDecoder decoder;
    std::vector<UniqueFd> fds;
    for (int count = 0; count < 3; ++count) {
        fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    const int last = fds.back().get();
    decoder.add_fds(std::move(fds));
    feed(decoder, raw_header(0, 0, 1, 3, 2) + raw_header(0, 0, 1, 3, 0) + raw_header(0, 0, 1, 3, 1));
    EXPECT_EQ(decoder.next()->fds.size(), 2u);
    EXPECT_EQ(decoder.next()->fds.size(), 0u);
    EXPECT_EQ(decoder.next()->fds.at(0).get(), last);
}

TEST(FrameDecoder, RefusesMoreDescriptorsThanCame) {
    FrameDecoder decoder;
    feed(decoder, raw_header(0, 0, 1, 3, 1));
    EXPECT_EQ(code_of_next(decoder), ErrorCode::protocol);
}

TEST(FrameEncoder, RefusesWhatTheDecoderWouldRefuse) {
    EXPECT_THROW(encode_header(make_data(1, std::string(max_head_bytes + 1, 'x'), "")), Error);
    EXPECT_THROW(encode_header(make_data(1, "", std::string(max_body_bytes + 1, 'x'))), Error);
    EXPECT_THROW(encode_header(make_data(0, "", "")), Error);
}

} // namespace
} // namespace hearth::process::wire
