#include "tests/cli/hearth_process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;

using UseProgram = HearthProgramTest;

TEST_F(UseProgram, ListsWhatIsChosen) {
    service_->on("GET /hearth/v1/default", 200,
                 R"({"model":"a:latest","defaults":[{"kind":"all","model":"a:latest"},)"
                 R"({"kind":"token","app":"open-webui","model":"b:latest"}]})");
    EXPECT_EQ(hearth({"use"}).out,
              "APP\tKIND\tMODEL\nall apps\tall\ta:latest\nopen-webui\ttoken\tb:latest\n");
    EXPECT_EQ(hearth({"use", "-q"}).out, "a:latest\nb:latest\n");
    EXPECT_EQ(hearth_json({"use"}).at(0)["defaults"].size(), 2u);
}

TEST_F(UseProgram, ChoosesForAllAppsOrForOne) {
    service_->on("PUT /hearth/v1/default", 200, R"({"kind":"all","model":"a:latest"})");
    EXPECT_EQ(hearth({"use", "a"}).out, "\"default\" is a:latest for all apps\n");
    EXPECT_EQ(service_->last_body("PUT /hearth/v1/default"), R"({"model":"a"})");
    service_->on("PUT /hearth/v1/default", 200,
                 R"({"kind":"token","app":"webui","model":"a:latest","hint":"no token of that name"})");
    const ProgramResult result = hearth({"use", "a", "--app", "webui"});
    EXPECT_EQ(result.out, "\"default\" is a:latest for webui\n");
    EXPECT_EQ(result.err, "note: no token of that name\n");
    EXPECT_EQ(service_->last_body("PUT /hearth/v1/default"), R"({"app":"webui","model":"a"})");
}

TEST_F(UseProgram, SendsAPathAsSeenFromHere) {
    service_->on("PUT /hearth/v1/default", 200, R"({"kind":"program","app":"/x","model":"a"})");
    hearth({"use", "a", "--app", "./bin/../tool"});
    const std::string app = Json::parse(service_->last_body("PUT /hearth/v1/default"))["app"];
    EXPECT_TRUE(app.starts_with('/')) << app;
    EXPECT_TRUE(app.ends_with("/tool")) << app;
    EXPECT_EQ(app.find(".."), std::string::npos);
}

TEST_F(UseProgram, Clears) {
    service_->on("DELETE /hearth/v1/default", 200, R"({"kind":"all","model":"a:latest","cleared":true})");
    EXPECT_EQ(hearth({"use", "--clear"}).out, "\"default\" is no longer a:latest for all apps\n");
    service_->on("DELETE /hearth/v1/default", 200,
                 R"({"kind":"token","app":"w","model":null,"cleared":false})");
    EXPECT_EQ(hearth({"use", "--clear", "--app", "w"}).out, "nothing was chosen for w\n");
    EXPECT_EQ(hearth_json({"use", "--clear", "--app", "w"}).at(0)["cleared"], false);
    EXPECT_EQ(service_->last_body("DELETE /hearth/v1/default"), R"({"app":"w"})");
}

TEST_F(UseProgram, RefusesWhatMeansNothing) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"use", "a", "--clear"}, {"use", "--app", "w"}, {"use", "a", "b"}}) {
        const ProgramResult result = hearth(words);
        EXPECT_EQ(result.exit_code, 2);
        EXPECT_THAT(result.err, HasSubstr("hint: hearth help use"));
    }
}

} // namespace
} // namespace hearth::testing
