#include "cli/attachment.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace hearth::cli {
namespace {

using testing::expect_error;

class Attachments : public ::testing::Test {
  protected:
    Attachment read(const std::string& name, const std::string& bytes) {
        const auto path = dir_.path() / name;
        std::ofstream(path, std::ios::binary) << bytes;
        return read_attachment(path);
    }
    testing::TemporaryDir dir_;
};

TEST_F(Attachments, AreTextsWhateverTheirNameSays) {
    const Attachment file = read("photo.png", "grüße\n");
    EXPECT_FALSE(file.is_image());
    EXPECT_EQ(file.text, "grüße\n");
    EXPECT_EQ(file.bytes, 8u);
}

TEST_F(Attachments, LoseTheirByteOrderMark) {
    EXPECT_EQ(read("a.txt", "\xEF\xBB\xBFhello").text, "hello");
}

TEST_F(Attachments, ArePicturesByTheirFirstBytes) {
    const std::string bitmap = "BM" + std::string(30, '\0');
    for (const std::string& bytes :
         {std::string("\xFF\xD8\xFF\xE0"), std::string("GIF89a"), std::string("RIFF....WEBPVP8 "), bitmap}) {
        EXPECT_TRUE(read("notes.txt", bytes).is_image());
    }
    EXPECT_FALSE(read("notes.txt", "BMW makes cars, and this text is longer than a header").is_image());
}

TEST_F(Attachments, AreBase64WithItsPadding) {
    EXPECT_EQ(read("a", "GIF89a").image, "R0lGODlh");
    EXPECT_EQ(read("a", "GIF89ab").image, "R0lGODlhYg==");
    EXPECT_EQ(read("a", "GIF89abc").image, "R0lGODlhYmM=");
}

TEST_F(Attachments, AreRefusedWhenTheyAreNeither) {
    EXPECT_NE(expect_error(ErrorCode::usage, [&] { read("a.bin", std::string("a\0b", 3)); }).find("a.bin"),
              std::string::npos);
    expect_error(ErrorCode::usage, [&] { read("latin1.txt", "gr\xFC\xDF"); });
    expect_error(ErrorCode::usage, [&] { read_attachment(dir_.path()); });
    expect_error(ErrorCode::usage, [&] { read_attachment(dir_.path() / "absent"); });
}

TEST_F(Attachments, AreFencedByMoreBackticksThanTheyHold) {
    const std::vector<Attachment> files{read("a.md", "```sh\nls\n```\n")};
    EXPECT_EQ(with_texts("q", files), "q\n\na.md:\n````\n```sh\nls\n```\n````");
}

} // namespace
} // namespace hearth::cli
