#include "states.hpp"
#include "tray/model/appearance.hpp"

#include <gtest/gtest.h>

namespace hearth::tray {
namespace {

using testing::connected;
using testing::find_item;

std::vector<std::string> labels(const std::vector<MenuItem>& items) {
    std::vector<std::string> texts;
    for (const MenuItem& item : items) {
        texts.push_back(item.label);
    }
    return texts;
}

TEST(TrayMenu, SaysThatTheServiceIsNotRunningAndStartsIt) {
    State state;
    state.phase = ServicePhase::not_running;
    const auto menu = build_menu(state);
    EXPECT_EQ(menu[0].label, "Hearth: service not running");
    ASSERT_NE(find_item(menu, "start"), nullptr);
    EXPECT_EQ(find_item(menu, "start")->action->verb, Action::Verb::start_service);
}

TEST(TrayMenu, OffersNoStartWhereTheServiceIsSomewhereElse) {
    State state;
    state.phase = ServicePhase::not_running;
    state.local.service_can_be_started = false;
    EXPECT_EQ(find_item(build_menu(state), "start"), nullptr);
}

TEST(TrayMenu, SaysThatASleepingServiceStartsOnUse) {
    State state;
    state.phase = ServicePhase::asleep;
    const auto menu = build_menu(state);
    EXPECT_EQ(menu[0].label, "Hearth: asleep, starts on use");
    EXPECT_EQ(find_item(menu, "start")->action->verb, Action::Verb::wake_service);
}

TEST(TrayMenu, ShowsNothingThatTheServiceDoesNotServe) {
    State bare = connected({});
    bare.apps = {"open-webui"};
    const auto menu = build_menu(bare);
    for (const char* key : {"load", "default", "page", "loaded/big_model:q4_K_M/unload"}) {
        EXPECT_EQ(find_item(menu, key), nullptr) << key;
    }
}

TEST(TrayMenu, IsTheSameWithAndWithoutAnItemButForThatItem) {
    const auto without = build_menu(connected({}));
    auto with = build_menu(connected({"POST /hearth/v1/load"}));
    std::erase_if(with,
                  [](const MenuItem& item) { return item.key == "load" || item.key == "before models"; });
    EXPECT_EQ(with, without);
}

TEST(TrayMenu, SaysWhatIsLoadedAndHowMuchMemoryItTakes) {
    const auto menu = build_menu(connected({"POST /hearth/v1/unload"}));
    EXPECT_EQ(menu[0].label, "Hearth: 1 model loaded, 4.9 GB");
    const MenuItem* model = find_item(menu, "loaded/big_model:q4_K_M");
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->label, "big_model:q4_K_M — 4.9 GB");
    EXPECT_EQ(labels(model->children), (std::vector<std::string>{"llama: ram 4.9 GB", "Unload"}));
    const Action unload{Action::Verb::unload, "big_model:q4_K_M"};
    EXPECT_EQ(model->children[1].action, unload);
}

TEST(TrayMenu, OffersToLoadWhatIsNotLoaded) {
    const auto menu = build_menu(connected({"POST /hearth/v1/load"}));
    const MenuItem* load = find_item(menu, "load");
    ASSERT_NE(load, nullptr);
    EXPECT_EQ(labels(load->children), std::vector<std::string>{"small:latest — 500 MB"});
}

TEST(TrayMenu, ChoosesTheDefaultForAllAppsAndForOne) {
    State state = connected({"PUT /hearth/v1/default", "DELETE /hearth/v1/default"});
    state.apps = {"open-webui", "/usr/bin/python3"};
    state.defaults = {{"", "small:latest"}, {"open-webui", "big_model:q4_K_M"}};
    const auto menu = build_menu(state);
    EXPECT_TRUE(find_item(menu, "default//model/small:latest")->on);
    EXPECT_FALSE(find_item(menu, "default//none")->on);
    const MenuItem* app = find_item(menu, "default-app/open-webui");
    ASSERT_NE(app, nullptr);
    EXPECT_EQ(app->label, "For open-webui");
    EXPECT_TRUE(find_item(menu, "default/open-webui/model/big_model:q4_K_M")->on);
    EXPECT_EQ(find_item(menu, "default-app//usr/bin/python3")->label, "For python3");
    EXPECT_TRUE(find_item(menu, "default//usr/bin/python3/none")->on);
    const Action clear{Action::Verb::clear_default, "", "open-webui"};
    EXPECT_EQ(find_item(menu, "default/open-webui/none")->action, clear);
}

TEST(TrayMenu, ShowsDownloadsWithTheirProgress) {
    State state = connected({});
    reduce(state,
           testing::event(
               "pull.progress",
               {{"pull", "m"}, {"digest", "d"}, {"total", 4'700'000'000}, {"completed", 2'100'000'000}}));
    EXPECT_EQ(find_item(build_menu(state), "pull/m")->label, "Downloading m: 44 % of 4.7 GB");
}

TEST(TrayMenu, NamesADownloadFromAnAddressByItsFile) {
    State state = connected({});
    reduce(state, testing::event("pull.progress", {{"pull", "https://example.org/models/small.gguf"}}));
    reduce(state, testing::event("pull.progress", {{"pull", "hf.co/org/repo:Q4_K_M"}}));
    const auto menu = build_menu(state);
    EXPECT_EQ(find_item(menu, "pull/https://example.org/models/small.gguf")->label, "Downloading small.gguf");
    EXPECT_EQ(find_item(menu, "pull/hf.co/org/repo:Q4_K_M")->label, "Downloading hf.co/org/repo:Q4_K_M");
}

TEST(TrayMenu, HasKeysThatAreItsItemsOwn) {
    State state = connected({"POST /hearth/v1/load", "PUT /hearth/v1/default", "DELETE /hearth/v1/default",
                             "POST /hearth/v1/open"});
    state.apps = {"a", "b"};
    std::vector<std::string> keys;
    const auto collect = [&keys](const auto& self, const std::vector<MenuItem>& items) -> void {
        for (const MenuItem& item : items) {
            keys.push_back(item.key);
            self(self, item.children);
        }
    };
    collect(collect, build_menu(state));
    std::ranges::sort(keys);
    EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());
}

TEST(TrayAppearance, FollowsTheState) {
    EXPECT_EQ(appearance_of(State()).icon, IconKind::stopped);
    State state = connected({});
    EXPECT_EQ(appearance_of(state).icon, IconKind::active);
    state.loaded[0].state = "loading";
    EXPECT_EQ(appearance_of(state).icon, IconKind::busy);
    state.loaded.clear();
    EXPECT_EQ(appearance_of(state).icon, IconKind::idle);
    state.low_memory = "needs 9 GB";
    EXPECT_EQ(appearance_of(state).icon, IconKind::attention);
    state.phase = ServicePhase::asleep;
    EXPECT_EQ(appearance_of(state).icon, IconKind::asleep);
}

TEST(TrayAppearance, ChangesWithADownloadOnlyAtEachTwentieth) {
    State state = connected({});
    const auto at = [&state](int completed) {
        reduce(state,
               testing::event("pull.progress",
                              {{"pull", "m"}, {"digest", "d"}, {"total", 100}, {"completed", completed}}));
        return appearance_of(state);
    };
    const Appearance start = at(40);
    EXPECT_EQ(start.progress_twentieths, 8);
    EXPECT_EQ(at(44), start);
    EXPECT_NE(at(45), start);
}

} // namespace
} // namespace hearth::tray
