#include "tests/cli/hearth_process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;

class DoctorProgram : public HearthProgramTest {
  protected:
    void answer(const std::string& version, const std::string& checks) {
        service_->on("GET /api/version", 200, R"({"version":")" + version + R"("})");
        service_->on("GET /hearth/v1/status", 200, R"({"tcp":[]})");
        service_->on("GET /hearth/v1/doctor", 200,
                     R"({"data_dir":")" + dir_.path().string() + R"(","gpus":0,"proxies":{},"checks":)" +
                         checks + "}");
    }
    /// The exit code must be what the checks say, whatever this machine is like.
    static Json check_named(const ProgramResult& result, const std::string& name) {
        const Json answer = Json::parse(result.out);
        EXPECT_EQ(answer["version"], 1);
        const Json& checks = answer["checks"];
        const bool failed = std::any_of(checks.begin(), checks.end(),
                                        [](const Json& row) { return row["status"] == "fail"; });
        EXPECT_EQ(answer["ok"], !failed);
        EXPECT_EQ(result.exit_code, failed ? 1 : 0);
        const auto row =
            std::find_if(checks.begin(), checks.end(), [&](const Json& one) { return one["check"] == name; });
        return row == checks.end() ? Json() : *row;
    }
};

TEST_F(DoctorProgram, PutsTheServicesChecksBesideItsOwn) {
    answer(HEARTH_VERSION, R"([{"check":"store.index","status":"ok","text":"intact; 2 models"}])");
    const ProgramResult result = hearth({"doctor", "--json"});
    EXPECT_EQ(check_named(result, "store.index")["text"], "intact; 2 models");
    EXPECT_EQ(check_named(result, "service")["status"], "ok");
    EXPECT_EQ(check_named(result, "versions")["status"], "ok");
    EXPECT_EQ(result.err, "");
}

TEST_F(DoctorProgram, EndsWithOneWhenACheckFailsAndSaysTheFix) {
    answer(HEARTH_VERSION, R"([{"check":"store.index","status":"fail","text":"damaged","fix":"mv a b"}])");
    const ProgramResult result = hearth({"doctor"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.out,
                HasSubstr("fail  store.index        damaged\n                         fix: mv a b\n"));
    EXPECT_THAT(result.out, HasSubstr(" fail\n"));
    EXPECT_THAT(hearth({"doctor", "-q"}).out, ::testing::Not(HasSubstr("ok    ")));
}

TEST_F(DoctorProgram, NamesAServiceThatIsTooOldToHaveADoctor) {
    service_->on("GET /api/version", 200, R"({"version":"0.0.1"})");
    service_->on("GET /hearth/v1/status", 200, R"({"tcp":[]})");
    service_->on("GET /hearth/v1/doctor", 404, R"({"error":"no such path","code":"route.not_found"})");
    const ProgramResult result = hearth({"doctor", "--json"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(check_named(result, "versions")["fix"], "hearth service restart");
    EXPECT_TRUE(check_named(result, "service.checks").is_null());
}

TEST_F(DoctorProgram, GoesOnWhenNoServiceAnswersAndNoneStarts) {
    service_.reset();
    std::filesystem::remove(dir_.path() / "api.sock");
    const auto bin = dir_.path() / "bin";
    std::filesystem::create_directory(bin);
    std::filesystem::copy_file(program_, bin / "hearth");
    program_ = (bin / "hearth").string();
    const ProgramResult result = hearth({"doctor", "--json"});
    EXPECT_EQ(result.exit_code, 1);
    const Json service = check_named(result, "service");
    EXPECT_EQ(service["status"], "fail");
    EXPECT_THAT(service["text"].get<std::string>(), HasSubstr("hearthd"));
    EXPECT_FALSE(check_named(result, "store.space").is_null());
}

} // namespace
} // namespace hearth::testing
