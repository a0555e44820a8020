#include "registry/gguf/header.hpp"

#include "base/unique_fd.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/types.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::registry::gguf {
namespace {

using testing::expect_error;
using testing::gguf_string;
using testing::GgufWriter;
using testing::little_endian;
using testing::small_llama;

Header parse(const std::string& bytes, ParseOptions options = {}) {
    return parse_header(PrefixSource(bytes), options);
}

/// The text of the refusal.
std::string refusal(const std::string& bytes) {
    return expect_error(ErrorCode::model_invalid, [&] { parse(bytes); });
}

TEST(GgufHeader, ReadsEveryTypeOfValue) {
    GgufWriter gguf;
    gguf.raw_value("a.u8", 0, little_endian(200, 1))
        .raw_value("a.i8", 1, little_endian(0x80, 1))
        .u16("a.u16", 65535);
    gguf.raw_value("a.i16", 3, little_endian(0x8000, 2))
        .u32("a.u32", 4294967295U)
        .i32("a.i32", -5)
        .f32("a.f32", 0.1F);
    gguf.boolean("a.bool", true)
        .text("a.text", "grüße")
        .u64("a.u64", 1ULL << 40)
        .raw_value("a.i64", 11, little_endian(~0ULL, 8));
    gguf.raw_value("a.f64", 12, std::string("\0\0\0\0\0\0\xe0\x3f", 8));
    const Header header = parse(gguf.bytes());
    EXPECT_EQ(header.integer("a.u8"), 200);
    EXPECT_EQ(header.integer("a.i8"), -128);
    EXPECT_EQ(header.integer("a.u16"), 65535);
    EXPECT_EQ(header.integer("a.i16"), -32768);
    EXPECT_EQ(header.integer("a.u32"), 4294967295);
    EXPECT_EQ(header.integer("a.i32"), -5);
    EXPECT_EQ(std::get<float>(*header.find("a.f32")), 0.1F);
    EXPECT_EQ(header.boolean("a.bool"), true);
    EXPECT_EQ(header.text("a.text"), "grüße");
    EXPECT_EQ(header.integer("a.u64"), 1LL << 40);
    EXPECT_EQ(header.integer("a.i64"), -1);
    EXPECT_EQ(std::get<double>(*header.find("a.f64")), 0.5);
    EXPECT_EQ(header.find("a.none"), nullptr);
    EXPECT_EQ(header.integer("a.none"), std::nullopt);
}

TEST(GgufHeader, GetsTypedValuesOrSaysWhichKeyIsWrong) {
    const Header header =
        parse(GgufWriter().text("a.text", "5").u32("a.number", 5).u64("a.huge", ~0ULL).bytes());
    EXPECT_NE(expect_error(ErrorCode::model_invalid, [&] { header.integer("a.text"); }).find("a.text"),
              std::string::npos);
    expect_error(ErrorCode::model_invalid, [&] { header.text("a.number"); });
    expect_error(ErrorCode::model_invalid, [&] { header.boolean("a.number"); });
    expect_error(ErrorCode::model_invalid, [&] { header.integer("a.huge"); });
}

TEST(GgufHeader, PlacesTensors) {
    GgufWriter gguf;
    gguf.tensor("a", {3}).tensor("b", {2, 5}).tensor("one", {1});
    const std::string bytes = gguf.bytes();
    const Header header = parse(bytes);
    ASSERT_EQ(header.tensors.size(), 3U);
    EXPECT_EQ(header.tensors[0].bytes, 12U);
    EXPECT_EQ(header.tensors[1].offset, 32U);
    EXPECT_EQ(header.tensors[1].elements, 10U);
    EXPECT_EQ(header.tensors[1].type->name, "F32");
    EXPECT_EQ(header.tensors[2].elements, 1U);
    EXPECT_EQ(header.data_offset, gguf.header().size());
    EXPECT_EQ(header.end_offset, bytes.size());
}

TEST(GgufHeader, CountsBlocksOfQuantizedTypes) {
    const Header header = parse(GgufWriter().raw_tensor("q", {512, 2}, 12, 0, 576).bytes());
    EXPECT_EQ(header.tensors[0].type->name, "Q4_K");
    EXPECT_EQ(header.tensors[0].bytes, 576U);
}

TEST(GgufHeader, ObeysTheFilesAlignment) {
    for (const std::uint32_t alignment : {1U, 8U, 64U, 4096U}) {
        const Header header =
            parse(GgufWriter().alignment(alignment).tensor("a", {1}).tensor("b", {1}).bytes());
        EXPECT_EQ(header.alignment, alignment);
        EXPECT_EQ(header.data_offset % alignment, 0U);
        EXPECT_EQ(header.tensors[1].offset, std::max(4U, alignment));
    }
}

TEST(GgufHeader, RefusesOtherAlignments) {
    for (const std::uint32_t alignment : {0U, 3U, 33U, 1U << 21, 1U << 31})
        EXPECT_NE(refusal(GgufWriter().u32("general.alignment", alignment).bytes()).find("alignment"),
                  std::string::npos)
            << alignment;
    refusal(GgufWriter().text("general.alignment", "32").bytes());
    refusal(GgufWriter().i32("general.alignment", -32).bytes());
    refusal(GgufWriter().u64("general.alignment", 32).bytes()); // the engine reads a u32 only
}

TEST(GgufHeader, SaysWhatAFileIsThatIsNoGguf) {
    EXPECT_NE(refusal("<html>this is a captive portal</html>").find("not a GGUF"), std::string::npos);
    EXPECT_NE(refusal(GgufWriter().magic("FUGG").bytes()).find("not a GGUF"), std::string::npos);
    EXPECT_NE(refusal("").find("0 bytes"), std::string::npos);
    EXPECT_NE(refusal("GGUF").find("4 bytes"), std::string::npos);
}

TEST(GgufHeader, HasAWordForEachVersionItDoesNotRead) {
    EXPECT_NE(refusal(GgufWriter().version(0).bytes()).find("too old"), std::string::npos);
    EXPECT_NE(refusal(GgufWriter().version(1).bytes()).find("too old"), std::string::npos);
    EXPECT_NE(refusal(GgufWriter().version(4).bytes()).find("newer"), std::string::npos);
    EXPECT_NE(refusal(GgufWriter().version(0x03000000).bytes()).find("big-endian"), std::string::npos);
    EXPECT_NO_THROW(parse(GgufWriter().version(2).bytes()));
}

TEST(GgufHeader, RefusesAFileCutAtAnyByte) {
    const std::string whole = small_llama().u32s("llama.sizes", {1, 2, 3}).bytes();
    ASSERT_NO_THROW(parse(whole));
    for (std::size_t length = 0; length < whole.size(); ++length)
        expect_error(ErrorCode::model_invalid, [&] { parse(whole.substr(0, length)); });
}

TEST(GgufHeader, AsksForMoreBytesOfAFileThatIsNotThereYet) {
    const GgufWriter gguf = small_llama().u32s("llama.sizes", {1, 2, 3});
    const std::string whole = gguf.bytes();
    std::size_t complete = 0;
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        const auto header =
            try_parse_header(PrefixSource(std::string_view(whole).substr(0, length), whole.size()));
        if (header) {
            complete = length;
            break;
        }
        EXPECT_GT(header.error().at_least, length);
        EXPECT_LE(header.error().at_least, whole.size());
    }
    EXPECT_GT(complete, 0U);
    EXPECT_LE(complete, gguf.header().size()); // no byte of the weights
}

TEST(GgufHeader, ReadsAPrefixOfAFileOfUnknownSize) {
    const GgufWriter gguf = small_llama();
    const auto header = try_parse_header(PrefixSource(gguf.header(), ByteSource::unknown_size));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->tensors.size(), 2U);
}

TEST(GgufHeader, SaysHowManyBytesAreMissing) {
    const std::string whole = small_llama().bytes();
    const std::string text = refusal(whole.substr(0, whole.size() - 7));
    EXPECT_NE(text.find("truncated"), std::string::npos) << text;
    EXPECT_NE(text.find("7 bytes are missing"), std::string::npos) << text;
}

TEST(GgufHeader, TakesALastTensorWithAndWithoutItsPadding) {
    const auto file = [](std::uint32_t alignment, std::uint64_t elements, std::size_t behind) {
        return GgufWriter().alignment(alignment).tensor("t", {elements}).bytes() + std::string(behind, '\0');
    };
    for (const std::size_t behind : {0, 1, 19, 20}) {
        EXPECT_NO_THROW(parse(file(32, 3, behind))) << behind; // 12 bytes of data
    }
    EXPECT_NE(refusal(file(32, 3, 21)).find("21 bytes are too many"), std::string::npos);
    EXPECT_NO_THROW(parse(file(32, 8, 0)));
    refusal(file(32, 8, 1)); // nothing to pad
    EXPECT_NO_THROW(parse(file(256, 3, 244)));
    refusal(file(256, 3, 245));
    EXPECT_NO_THROW(parse(file(8, 3, 20))) << "padded to 32 all the same";
    refusal(file(8, 3, 21));
}

TEST(GgufHeader, AFileWithoutTensorsEndsWithItsHeader) {
    const std::string header = GgufWriter().text("general.architecture", "llama").bytes();
    EXPECT_NO_THROW(parse(header));
    refusal(header + std::string(1, '\0'));
}

TEST(GgufHeader, AnotherFileBehindThisOneIsRefusedAsSoonAsTheSizeIsKnown) {
    const std::string two = small_llama().bytes() + small_llama("other").bytes();
    EXPECT_NE(refusal(two).find("too many"), std::string::npos);
    const std::string_view head = std::string_view(two).substr(0, small_llama().header().size());
    expect_error(ErrorCode::model_invalid, [&] { try_parse_header(PrefixSource(head, two.size())); });
    EXPECT_TRUE(try_parse_header(PrefixSource(head, ByteSource::unknown_size)));
}

TEST(GgufHeader, BelievesNoCountThatTheFileCannotHold) {
    for (const std::uint64_t count : {std::uint64_t{4097}, std::uint64_t{65'537}, std::uint64_t{1} << 31,
                                      std::uint64_t{1} << 62, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        refusal(small_llama().key_count(count).bytes());
        refusal(small_llama().tensor_count(count).bytes());
    }
    refusal(small_llama().key_count(400).bytes());
    refusal(small_llama().tensor_count(400).bytes());
}

TEST(GgufHeader, BelievesNoLengthThatTheFileCannotHold) {
    for (const std::uint64_t length : {std::uint64_t{1000}, std::uint64_t{1} << 20, std::uint64_t{1} << 40,
                                       std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        refusal(GgufWriter().raw_value("a", 8, little_endian(length, 8)).bytes());
        for (const std::uint32_t type : {0U, 4U, 8U, 12U})
            refusal(
                GgufWriter().raw_value("a", 9, little_endian(type, 4) + little_endian(length, 8)).bytes());
    }
    // A key's own length.
    refusal(GgufWriter().key_count(1).bytes() + little_endian(1ULL << 63, 8) + "key");
}

TEST(GgufHeader, RefusesTypesThatDoNotExist) {
    refusal(GgufWriter().raw_value("a", 13, "xxxxxxxx").bytes());
    refusal(GgufWriter().raw_value("a", 0xffffffff, "xxxxxxxx").bytes());
    refusal(GgufWriter().raw_value("a", 9, little_endian(13, 4) + little_endian(1, 8) + "xxxxxxxx").bytes());
    const std::string nested =
        little_endian(9, 4) + little_endian(1, 8) + little_endian(4, 4) + little_endian(0, 8);
    EXPECT_NE(refusal(GgufWriter().raw_value("a", 9, nested).bytes()).find("array of arrays"),
              std::string::npos);
    for (const std::uint32_t type : {4U, 5U, 31U, 33U, 36U, 38U, 43U, 0xffffffffU})
        EXPECT_NE(refusal(GgufWriter().raw_tensor("t", {256}, type, 0, 4096).bytes()).find("tensor type"),
                  std::string::npos);
}

TEST(GgufHeader, RefusesKeysThatAreEmptyLongOddOrTwice) {
    refusal(GgufWriter().u32("", 1).bytes());
    refusal(GgufWriter().u32(std::string(257, 'k'), 1).bytes());
    refusal(GgufWriter().u32("a b", 1).bytes());
    refusal(GgufWriter().u32(std::string_view("a\0b", 3), 1).bytes());
    refusal(GgufWriter().u32("ä", 1).bytes());
    EXPECT_NE(refusal(GgufWriter().u32("a.b", 1).text("a.b", "x").bytes()).find("twice"), std::string::npos);
    EXPECT_NO_THROW(parse(GgufWriter().u32(std::string(256, 'k'), 1).bytes()));
}

TEST(GgufHeader, RefusesTensorNamesThatAreEmptyLongOrTwice) {
    refusal(GgufWriter().tensor("", {1}).bytes());
    refusal(GgufWriter().tensor(std::string(64, 't'), {1}).bytes());
    EXPECT_NE(refusal(GgufWriter().tensor("t", {1}).tensor("t", {1}).bytes()).find("twice"),
              std::string::npos);
    EXPECT_NO_THROW(parse(GgufWriter().tensor(std::string(63, 't'), {1}).bytes()));
}

TEST(GgufHeader, RefusesShapesThatNoTensorHas) {
    refusal(GgufWriter().raw_tensor("t", {}, 0, 0, 4).bytes());
    refusal(GgufWriter().raw_tensor("t", {1, 1, 1, 1, 1}, 0, 0, 4).bytes());
    refusal(GgufWriter().raw_tensor("t", {0}, 0, 0, 4).bytes());
    refusal(GgufWriter().raw_tensor("t", {4, 0}, 0, 0, 4).bytes());
    refusal(GgufWriter().raw_tensor("t", {1ULL << 63}, 24, 0, 4).bytes());
    refusal(GgufWriter().raw_tensor("t", {1ULL << 32, 1ULL << 32}, 24, 0, 4).bytes());
    refusal(
        GgufWriter().raw_tensor("t", {(1ULL << 62) + 1, 4}, 24, 0, 4).bytes()); // product is 4 modulo 2^64
    refusal(GgufWriter().raw_tensor("t", {1ULL << 62, 1}, 28, 0, 4).bytes());   // × 8 bytes
    EXPECT_NE(refusal(GgufWriter().raw_tensor("t", {255}, 12, 0, 144).bytes()).find("block"),
              std::string::npos);
}

TEST(GgufHeader, RefusesSizesThatOverflowTogether) {
    const std::uint64_t half = (1ULL << 62) + (1ULL << 61);
    GgufWriter gguf;
    gguf.raw_tensor("a", {half}, 24, 0, 4).raw_tensor("b", {half}, 24, half, 4);
    const std::string bytes = gguf.bytes();
    expect_error(ErrorCode::model_invalid,
                 [&] { parse_header(PrefixSource(bytes, ByteSource::unknown_size)); });
}

TEST(GgufHeader, RefusesTensorsOutOfPlace) {
    refusal(GgufWriter().raw_tensor("a", {8}, 0, 32, 64).bytes());                               // a hole
    refusal(GgufWriter().raw_tensor("a", {8}, 0, 0, 32).raw_tensor("b", {8}, 0, 0, 32).bytes()); // overlap
    refusal(
        GgufWriter().raw_tensor("a", {8}, 0, 0, 32).raw_tensor("b", {8}, 0, 33, 32).bytes()); // not aligned
    refusal(GgufWriter().raw_tensor("a", {8}, 0, 1ULL << 63, 32).bytes());
    refusal(GgufWriter().raw_tensor("a", {9}, 0, 0, 32).bytes()); // four bytes more than the file
}

TEST(GgufHeader, AllowsLongTextsOnlyWhereTheyBelong) {
    const std::string long_text((1 << 20) + 1, 'x');
    refusal(GgufWriter().text("tokenizer.chat_template", long_text).bytes());
    EXPECT_NO_THROW(parse(GgufWriter().text("tokenizer.huggingface.json", long_text).bytes()));
    EXPECT_NO_THROW(parse(GgufWriter().text("tokenizer.chat_template", long_text.substr(1)).bytes()));
}

TEST(GgufHeader, KeepsShortArraysAndLongOnesOnRequest) {
    const std::string bytes = GgufWriter()
                                  .u32s("short", {1, 2, 3})
                                  .texts("long", std::vector<std::string>(2000, "t"))
                                  .text("last", "x")
                                  .bytes();
    const Header brief = parse(bytes);
    EXPECT_EQ(std::get<std::vector<std::uint64_t>>(std::get<Array>(*brief.find("short")).elements).size(),
              3U);
    EXPECT_EQ(std::get<Array>(*brief.find("long")).count, 2000U);
    EXPECT_EQ(std::get<Array>(*brief.find("long")).elements.index(), 0U);
    EXPECT_EQ(brief.text("last"), "x");
    const Header full = parse(bytes, {.keep_long_arrays = true});
    EXPECT_EQ(std::get<std::vector<std::string>>(std::get<Array>(*full.find("long")).elements).size(), 2000U);
}

TEST(GgufHeader, RefusesArraysOfMoreThanFourMebiElements) {
    const std::uint64_t count = limits::array_elements + 1;
    refusal(GgufWriter()
                .raw_value("a", 9, little_endian(0, 4) + little_endian(count, 8) + std::string(count, 'x'))
                .bytes());
}

TEST(GgufHeader, RefusesAHeaderOfMoreThan64Mebibytes) {
    // Thousands of arrays of 4 MiB would pass every limit of their own; a sparse file says so without the disk space.
    testing::TemporaryDir dir;
    const std::string path = (dir.path() / "big.gguf").string();
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    const std::uint64_t array_bytes = 4 << 20;
    std::uint64_t offset = 24;
    const std::string head = GgufWriter().key_count(100).bytes().substr(0, 24);
    ASSERT_EQ(::pwrite(fd.get(), head.data(), head.size(), 0), 24);
    for (int i = 0; i < 100; ++i) {
        const std::string key = gguf_string("k" + std::to_string(i)) + little_endian(9, 4) +
                                little_endian(0, 4) + little_endian(array_bytes, 8);
        ASSERT_EQ(::pwrite(fd.get(), key.data(), key.size(), static_cast<off_t>(offset)),
                  static_cast<ssize_t>(key.size()));
        offset += key.size() + array_bytes;
    }
    ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(offset)), 0);
    const std::string text =
        expect_error(ErrorCode::model_invalid, [&] { parse_header(FileSource(fd.get())); });
    EXPECT_NE(text.find("larger than"), std::string::npos) << text;
}

TEST(GgufHeader, ReadsFromAFile) {
    testing::TemporaryDir dir;
    const std::string path = (dir.path() / "x.gguf").string();
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    const std::string bytes = small_llama()
                                  .texts("many", std::vector<std::string>(100'000, "token"))
                                  .bytes(); // more than one buffer
    ASSERT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(parse_header(FileSource(fd.get())).text("general.architecture"), "llama");
}

TEST(GgufHeader, DoesNotBlockOnAFifo) {
    testing::TemporaryDir dir;
    const std::string path = (dir.path() / "fifo").string();
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    expect_error(ErrorCode::model_invalid, [&] { FileSource source(fd.get()); });
}

} // namespace
} // namespace hearth::registry::gguf
