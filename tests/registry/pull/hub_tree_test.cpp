#include "registry/pull/hub_tree.hpp"

#include "tests/base/expect_error.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;

const std::string oid(64, 'a');

std::string entry(const std::string& path, const std::string& size, const std::string& lfs = "") {
    return fmt::format(R"({{"type":"file","oid":"{}","size":{},"path":"{}"{}}})", std::string(40, 'b'), size,
                       path, lfs);
}
std::string large(const std::string& size) {
    return fmt::format(R"(,"lfs":{{"oid":"{}","size":{},"pointerSize":135}})", oid, size);
}
void expect_refused(const std::string& text) {
    SCOPED_TRACE(text.substr(0, 200));
    expect_error(ErrorCode::bad_manifest, [&] { parse_hub_page(text); });
}

TEST(HubPage, GivesGgufFilesWithSizeAndDigest) {
    const HubPage page = parse_hub_page(
        "[" + entry("README.md", "5") + "," + entry("m-Q4_0.gguf", "7000", large("7000")) + "," +
        entry("sub/tiny.GGUF", "90") + R"(,{"type":"directory","path":"x.gguf","size":0}])");
    ASSERT_EQ(page.files.size(), 2U);
    EXPECT_EQ(page.entries, 4U);
    EXPECT_EQ(page.files[0].path, "m-Q4_0.gguf");
    EXPECT_EQ(page.files[0].size_bytes, 7000U);
    EXPECT_EQ(page.files[0].digest->hex(), oid);
    EXPECT_FALSE(page.files[1].digest) << "lies in git itself";
}

TEST(HubPage, RefusesWhatIsNoFileList) {
    expect_refused("<!doctype html><html></html>");
    expect_refused("");
    expect_refused(R"({"error":"x"})");
    expect_refused("[5]");
    expect_refused(R"([{"path":"m.gguf","size":5}])");
    expect_refused(std::string(40, '[') + std::string(40, ']'));
}

TEST(HubPage, RefusesHostileNames) {
    for (const char* path : {"../m.gguf", "a/../m.gguf", "/m.gguf", "a//m.gguf", "./m.gguf", R"(a\\m.gguf)",
                             R"(a\nb.gguf)", R"(a\u007fb.gguf)"}) {
        expect_refused("[" + entry(path, "5") + "]");
    }
    expect_refused("[" + entry(std::string(2000, 'a') + ".gguf", "5") + "]");
}

TEST(HubPage, RefusesSizesAndDigestsThatCannotBe) {
    for (const char* size : {"-1", "1.5", "\"5\"", "null", "99999999999999999999", "9007199254740993000"}) {
        expect_refused("[" + entry("m.gguf", size) + "]");
        expect_refused("[" + entry("m.gguf", "5", large(size)) + "]");
    }
    expect_refused("[" + entry("m.gguf", "5", large("6")) + "]");
    expect_refused("[" + entry("m.gguf", "5", R"(,"lfs":{"oid":"../../etc/passwd","size":5})") + "]");
    expect_refused("[" + entry("m.gguf", "5", R"(,"lfs":[])") + "]");
}

TEST(HubInfo, NamesTheCommitAndTheNameOfToday) {
    const std::string commit(40, 'c');
    const HubInfo info = parse_hub_info(R"({"id":"new/name","sha":")" + commit + R"(","siblings":[]})");
    EXPECT_EQ(info.commit, commit);
    EXPECT_EQ(info.repository, "new/name");
    EXPECT_EQ(parse_hub_info(R"({"id":"../../x","sha":")" + commit + R"("})").repository, "");
    for (const char* text : {"[]", "{}", R"({"sha":"main"})", R"({"sha":5})", "<html>"}) {
        expect_error(ErrorCode::bad_manifest, [&] { parse_hub_info(text); });
    }
}

TEST(NextPage, IsTheQueryOfTheNextLinkAlone) {
    EXPECT_EQ(
        next_page_query(
            R"(<https://huggingface.co/api/models/o/r/tree/x?recursive=true&cursor=ab%3D>; rel="next")"),
        "recursive=true&cursor=ab%3D");
    EXPECT_EQ(next_page_query(R"(<https://a/?p=1>; rel="prev", <https://evil.test/x?cursor=2>; rel="next")"),
              "cursor=2");
    EXPECT_EQ(next_page_query(R"(<https://a/?p=1>; rel="prev")"), "");
    EXPECT_EQ(next_page_query(""), "");
    EXPECT_EQ(next_page_query("<no end"), "");
    for (const char* link :
         {R"(<https://a/?x y>; rel="next")", R"(<https://a/>; rel="next")", R"(<?a#b>; rel="next")"}) {
        expect_error(ErrorCode::bad_manifest, [&] { next_page_query(link); });
    }
}

TEST(EncodePath, KeepsFoldersAndNothingElse) {
    EXPECT_EQ(encode_path("a b/ü?#%.gguf"), "a%20b/%C3%BC%3F%23%25.gguf");
}

} // namespace
} // namespace hearth::registry::testing
