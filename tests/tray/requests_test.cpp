#include "../protocol/fake_service.hpp"
#include "tray/service/requests.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <cstdlib>
#include <filesystem>

namespace hearth::tray {
namespace {

using hearth::testing::FakeService;

/// Requests against a stand-in for the service; what they post is waited for.
class TrayRequests : public ::testing::Test {
  protected:
    TrayRequests() {
        std::string name = (std::filesystem::temp_directory_path() / "hearth-tray-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        service_ = std::make_unique<FakeService>(folder_ / "api.sock");
        service_->on("GET /api/ps", 200, R"({"models":[]})");
        service_->on("GET /hearth/v1/default", 200, R"({"defaults":[]})");
    }
    ~TrayRequests() override { std::filesystem::remove_all(folder_); }

    std::vector<Message> perform(const Action& action) {
        Requests requests(folder_ / "api.sock", mailbox_, [](const std::string&) {});
        requests.begin(action);
        pollfd mail{mailbox_.fd(), POLLIN, 0};
        ::poll(&mail, 1, -1);
        return mailbox_.take();
    }

    std::filesystem::path folder_;
    std::unique_ptr<FakeService> service_;
    Mailbox mailbox_;
};

TEST_F(TrayRequests, LoadAModelAndReadWhatIsLoaded) {
    service_->on("POST /hearth/v1/load", 200, R"({"status":"success"})");
    const auto messages = perform({Action::Verb::load, "small:latest"});
    EXPECT_EQ(parse_json(service_->last_body("POST /hearth/v1/load"), "body").at("model"), "small:latest");
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(std::get<Snapshot>(messages[0]).source, Source::loaded);
}

TEST_F(TrayRequests, ChooseADefaultForOneApp) {
    service_->on("PUT /hearth/v1/default", 200, "{}");
    perform({Action::Verb::choose_default, "small:latest", "open-webui"});
    const Json expected = {{"model", "small:latest"}, {"app", "open-webui"}};
    EXPECT_EQ(parse_json(service_->last_body("PUT /hearth/v1/default"), "body"), expected);
}

TEST_F(TrayRequests, TakeBackTheDefaultOfAllApps) {
    service_->on("DELETE /hearth/v1/default", 200, "{}");
    perform({Action::Verb::clear_default});
    EXPECT_EQ(service_->last_body("DELETE /hearth/v1/default"), "{}");
}

TEST_F(TrayRequests, TellWhatFailedWithTheServicesHint) {
    service_->on("POST /hearth/v1/unload", 404,
                 R"({"error":"no such model","code":"model.not_found","hint":"hearth list"})");
    const auto messages = perform({Action::Verb::unload, "m"});
    ASSERT_EQ(messages.size(), 1u);
    const auto& failed = std::get<ActionFailed>(messages[0]);
    EXPECT_EQ(failed.what, "Unloading m");
    EXPECT_EQ(failed.error, "no such model");
    EXPECT_EQ(failed.hint, "hearth list");
}

TEST_F(TrayRequests, SayNothingThatTheServicesEventSays) {
    service_->on("POST /hearth/v1/load", 507, R"({"error":"too large","code":"memory.insufficient"})");
    Requests requests(folder_ / "api.sock", mailbox_, [](const std::string&) {});
    requests.begin({Action::Verb::load, "m"});
    service_->on("POST /hearth/v1/unload", 404, R"({"error":"no such model","code":"model.not_found"})");
    while (service_->last_body("POST /hearth/v1/load").empty()) {
        ::poll(nullptr, 0, 1);
    }
    requests.begin({Action::Verb::unload, "m"});
    pollfd mail{mailbox_.fd(), POLLIN, 0};
    ::poll(&mail, 1, -1);
    const auto messages = mailbox_.take();
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(std::get<ActionFailed>(messages[0]).what, "Unloading m");
}

TEST_F(TrayRequests, HandOnTheAddressOfThePage) {
    service_->on("POST /hearth/v1/open", 200, R"({"url":"http://127.0.0.1:4000/#t=x"})");
    std::string opened;
    {
        Requests requests(folder_ / "api.sock", mailbox_, [&](std::string url) {
            opened = std::move(url);
            mailbox_.post(std::vector<Message>());
        });
        requests.begin({Action::Verb::open_page});
        pollfd mail{mailbox_.fd(), POLLIN, 0};
        ::poll(&mail, 1, -1);
    }
    EXPECT_EQ(opened, "http://127.0.0.1:4000/#t=x");
}

} // namespace
} // namespace hearth::tray
