#include "base/atomic_file.hpp"
#include "protocol/client.hpp"
#include "tests/cli/hearth_process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;

class ServiceProgram : public HearthProgramTest {
  protected:
    ServiceProgram() { remove_service(); }
    void remove_service() {
        service_.reset();
        std::filesystem::remove(dir_.path() / "api.sock");
    }
    /// The program in a folder where `hearthd` is the stand-in.
    void install_beside_fake_daemon() {
        const auto bin = dir_.path() / "bin";
        std::filesystem::create_directory(bin);
        std::filesystem::copy_file(program_, bin / "hearth");
        std::filesystem::copy_file(FAKE_HEARTHD_PROGRAM, bin / "hearthd");
        program_ = (bin / "hearth").string();
    }
    /// Somebody listens as systemd does for a service that has not started; what comes is noted.
    void let_it_sleep() {
        service_.emplace(dir_.path() / "api.sock");
        service_->let_go_of_lock();
        service_->on("GET /api/tags", 200, R"({"models":[]})");
    }
    std::string log() { return read_file(dir_.path() / ".local/state/hearth/hearthd.log"); }
};

TEST_F(ServiceProgram, ThatIsAbsentIsExitCodeFiveForWhatDoesNotStartIt) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"ps"}, {"stop", "m"}}) {
        const ProgramResult result = hearth(words);
        EXPECT_EQ(result.exit_code, 5);
        EXPECT_THAT(result.err,
                    HasSubstr("error: no Hearth service answers at " + (dir_.path() / "api.sock").string()));
    }
}

TEST_F(ServiceProgram, ThatIsAbsentIsSaidByStatus) {
    const ProgramResult text = hearth({"status"});
    EXPECT_EQ(text.exit_code, 5);
    EXPECT_EQ(text.out, "Hearth is not running\n");
    const ProgramResult json = hearth({"status", "--json"});
    EXPECT_EQ(json.exit_code, 5);
    EXPECT_EQ(Json::parse(json.out)["running"], false);
    EXPECT_EQ(json.err, "");
}

TEST_F(ServiceProgram, ThatIsAbsentIsNoFailureOfVersion) {
    const ProgramResult text = hearth({"version"});
    EXPECT_EQ(text.exit_code, 0);
    EXPECT_EQ(text.out, "hearth " HEARTH_VERSION "\nservice not running\n");
    EXPECT_TRUE(hearth_json({"version"}).at(0)["service"].is_null());
}

TEST_F(ServiceProgram, OfAnotherVersionIsWarnedOf) {
    service_.emplace(dir_.path() / "api.sock");
    service_->on("GET /api/version", 200, R"({"version":"9.9.9"})");
    const ProgramResult result = hearth({"version"});
    EXPECT_EQ(result.out, "hearth " HEARTH_VERSION "\nservice 9.9.9\n");
    EXPECT_THAT(result.err, HasSubstr("warning: the service is of another version"));
}

TEST_F(ServiceProgram, IsStartedOnceInItsOwnSessionWithItsLog) {
    install_beside_fake_daemon();
    const ProgramResult first = hearth({"list", "--json"});
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_EQ(first.err, "starting the Hearth service\n");
    EXPECT_EQ(log(), "fake hearthd was started\n");
    const protocol::Client client(dir_.path() / "api.sock");
    EXPECT_EQ(client.get("/session")["leader"], 1);
    EXPECT_EQ(hearth({"list"}).err, "");
    client.post("/leave", Json::object());
}

TEST_F(ServiceProgram, ThatDiesAtStartIsExitCodeFiveWithItsLog) {
    install_beside_fake_daemon();
    environment_["FAKE_HEARTHD_EXIT"] = "3";
    const ProgramResult result = hearth({"list"});
    EXPECT_EQ(result.exit_code, 5);
    EXPECT_THAT(result.err, HasSubstr("hearthd ended with exit code 3"));
    EXPECT_THAT(result.err, HasSubstr("hearthd.log"));
}

TEST_F(ServiceProgram, IsNotStartedForASocketThatItWouldNotOpen) {
    install_beside_fake_daemon();
    environment_["HEARTH_SOCKET"] = (dir_.path() / "other.sock").string();
    const ProgramResult result = hearth({"list"});
    EXPECT_EQ(result.exit_code, 5);
    EXPECT_THAT(result.err, HasSubstr("HEARTH_SOCKET"));
    EXPECT_FALSE(std::filesystem::exists(dir_.path() / ".local"));
}

TEST_F(ServiceProgram, IsDescribedByStatus) {
    service_.emplace(dir_.path() / "api.sock");
    service_->on(
        "GET /hearth/v1/status", 200,
        R"({"version":"0.1.0","pid":42,"uptime_seconds":200,"socket":"/run/api.sock","data_dir":"/data","models":2,)"
        R"("blob_bytes":4100000000,"partial_bytes":0,"loaded":1,"backends":["echo","llama"],"sandbox":"network denied"})");
    EXPECT_EQ(hearth({"status"}).out, "Hearth 0.1.0 is running (process 42, since 3m20s)\n"
                                      "  socket    /run/api.sock\n  data      /data\n"
                                      "  models    2 (4.1 GB, 0 B of unfinished downloads)\n  loaded    1\n"
                                      "  backends  echo, llama\n  sandbox   network denied\n");
    const Json json = hearth_json({"status"}).at(0);
    EXPECT_EQ(json["running"], true);
    EXPECT_EQ(json["service"]["pid"], 42);
}

TEST_F(ServiceProgram, ThatSleepsIsLetSleepByWhatOnlyLooks) {
    let_it_sleep();
    EXPECT_EQ(hearth({"status"}).out, "Hearth is asleep: the first connection starts it\n  socket    " +
                                          service_->socket().string() + "\n");
    EXPECT_EQ(hearth({"status", "-q"}).out, "asleep\n");
    const Json status = hearth_json({"status"}).at(0);
    EXPECT_EQ(status["running"], false);
    EXPECT_EQ(status["asleep"], true);
    EXPECT_THAT(hearth({"service"}).out, ::testing::StartsWith("asleep: the first connection starts it\n"));
    EXPECT_EQ(hearth_json({"service"}).at(0)["asleep"], true);
    EXPECT_EQ(hearth({"service", "stop"}).out, "no service runs\n");
    EXPECT_EQ(hearth({"version"}).out, "hearth " HEARTH_VERSION "\nservice asleep\n");
    EXPECT_TRUE(service_->requests().empty());
}

TEST_F(ServiceProgram, ThatSleepsIsWokenByACommandThatUsesIt) {
    let_it_sleep();
    EXPECT_EQ(hearth({"list"}).exit_code, 0);
    EXPECT_EQ(service_->requests().size(), 1u);
}

TEST_F(ServiceProgram, IsNotNeededForUsageErrorsAndHelp) {
    const ProgramResult unknown = hearth({"plul"});
    EXPECT_EQ(unknown.exit_code, 2);
    EXPECT_EQ(unknown.err, "error: \"plul\" is not a command\nhint: did you mean: hearth pull\n");
    EXPECT_EQ(hearth({"list", "--colour"}).exit_code, 2);
    const ProgramResult json = hearth({"plul", "--json"});
    EXPECT_EQ(Json::parse(json.err)["code"], "usage");
    EXPECT_EQ(hearth({"help", "run"}).exit_code, 0);
    EXPECT_THAT(hearth_json({"help"}).at(0)["commands"].dump(), HasSubstr("\"pull\""));
}

} // namespace
} // namespace hearth::testing
