#include "cli/chat/completion.hpp"
#include "cli/chat/paths.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace hearth::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

Completion complete(std::string_view before) {
    return complete_line(before,
                         [] { return std::vector<std::string>{"small:q4", "small:q8", "tiny:latest"}; });
}

TEST(Completion, KnowsSlashCommands) {
    EXPECT_EQ(complete("/sa").insert, "ve ");
    EXPECT_EQ(complete("/set").insert, " ");
    EXPECT_EQ(complete("/s").insert, "");
    EXPECT_THAT(complete("/s").choices, ElementsAre("/save", "/set", "/show", "/stats"));
}

TEST(Completion, LeavesQuestionsAlone) {
    EXPECT_EQ(complete("what is /s").insert, "");
    EXPECT_THAT(complete("").choices, IsEmpty());
    EXPECT_THAT(complete("/nonsense x").choices, IsEmpty());
    EXPECT_THAT(complete("/bye x").choices, IsEmpty());
}

TEST(Completion, KnowsSettingsAndTheirValues) {
    EXPECT_EQ(complete("/set par").insert, "ameter ");
    EXPECT_EQ(complete("/set parameter temp").insert, "erature ");
    EXPECT_EQ(complete("/set think me").insert, "dium");
    EXPECT_THAT(complete("/set think o").choices, ElementsAre("off", "on"));
    EXPECT_EQ(complete("/set system o").insert, "");
    EXPECT_EQ(complete("/set parameter temperature 0").insert, "");
    EXPECT_EQ(complete("/show par").insert, "ameters");
}

TEST(Completion, KnowsModelsWithTheirColons) {
    EXPECT_EQ(complete("/load s").insert, "mall:q");
    EXPECT_EQ(complete("/load tiny:").insert, "latest");
    EXPECT_THAT(complete("/load small:q").choices, ElementsAre("small:q4", "small:q8"));
}

class FileCompletion : public ::testing::Test {
  protected:
    FileCompletion() {
        std::filesystem::create_directory(dir_.path() / "sub");
        for (const char* name : {"my notes.txt", ".hidden", "größe", "grüße", "sub/in.md"}) {
            std::ofstream(dir_.path() / name) << "x";
        }
    }
    Completion file(const std::string& typed) { return complete("/file " + typed); }

    testing::TemporaryDir dir_;
    std::string folder_ = dir_.path().string() + "/";
};

TEST_F(FileCompletion, TakesSpacesInNamesAndSlashesAfterFolders) {
    EXPECT_EQ(file(folder_ + "my n").insert, "otes.txt");
    EXPECT_EQ(file(folder_ + "su").insert, "b/");
    EXPECT_EQ(file(folder_ + "sub/").insert, "in.md");
    EXPECT_THAT(complete("/set format " + folder_ + "s").insert, "ub/");
}

TEST_F(FileCompletion, OffersHiddenFilesToTheirDot) {
    EXPECT_THAT(file(folder_).choices, Not(Contains(folder_ + ".hidden")));
    EXPECT_EQ(file(folder_ + ".").insert, "hidden");
}

TEST_F(FileCompletion, NeverInsertsHalfACharacter) {
    EXPECT_EQ(file(folder_ + "g").insert, "r"); // ö and ü begin with the same byte
}

TEST_F(FileCompletion, DoesNotOfferWhatCannotBeTyped) {
    for (const char* name : {"r\x82sum\x82", "r\x83x", "r\xE9gime"}) { // of a disk that writes no UTF-8
        std::ofstream(dir_.path() / name) << "x";
    }
    EXPECT_EQ(file(folder_ + "r").insert, "");
    EXPECT_THAT(file(folder_ + "r").choices, IsEmpty());
}

TEST_F(FileCompletion, StaysBehindWhatIsTypedInALocaleOfBytes) {
    EXPECT_EQ(file(folder_ + "gr\xC3").insert, ""); // half of ö or of ü
}

TEST_F(FileCompletion, KnowsTheHomeFolder) {
    const testing::ScopedVariable home("HOME", dir_.path().c_str());
    EXPECT_EQ(file("~/su").insert, "b/");
    EXPECT_EQ(typed_path("~/sub/in.md"), dir_.path() / "sub/in.md");
}

TEST_F(FileCompletion, ReadsPathsThatWereDroppedWithQuotes) {
    EXPECT_EQ(typed_path("'" + folder_ + "my notes.txt'"), dir_.path() / "my notes.txt");
    EXPECT_EQ(typed_path("it's"), "it's");
}

} // namespace
} // namespace hearth::cli
