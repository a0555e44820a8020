#include "cli/pull_display.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class ManualClock final : public Clock {
  public:
    WallTime now() const override { return WallTime(now_.time_since_epoch()); }
    std::chrono::steady_clock::time_point steady_now() const override { return now_; }
    void advance(std::chrono::nanoseconds step) { now_ += step; }

  private:
    std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

class PullDisplayTest : public ::testing::Test {
  protected:
    PullDisplay display(std::optional<std::size_t> width) {
        return PullDisplay("llama3.2", width, clock_, [this](std::string_view text) { out_.append(text); });
    }
    static Json layer(std::uint64_t completed, std::uint64_t total = 1'000'000'000,
                      const char* hex = "6a0746a1ec1aef3e") {
        return Json{{"status", "pulling 6a0746a1ec1a"},
                    {"digest", std::string("sha256:") + hex},
                    {"total", total},
                    {"completed", completed}};
    }
    std::string take() { return std::exchange(out_, {}); }

    ManualClock clock_;
    std::string out_;
};

TEST_F(PullDisplayTest, PrintsALineForEachTenthWithoutATerminal) {
    PullDisplay shown = display(std::nullopt);
    EXPECT_EQ(take(), "pulling llama3.2\n");
    for (std::uint64_t tenth_percent = 0; tenth_percent <= 1000; ++tenth_percent) {
        clock_.advance(1ms);
        shown.show(layer(tenth_percent * 1'000'000));
    }
    shown.finish("llama3.2");
    const std::string text = take();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10); // 10 to 90 %, and the end
    EXPECT_THAT(text, HasSubstr("pulling llama3.2: 50% (500 MB of 1.0 GB, 1.0 GB/s, 1s left)\n"));
    EXPECT_THAT(text, EndsWith("pulled llama3.2 (1.0 GB)\n"));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(PullDisplayTest, KeepsTheLineThatSaysWhatWasChosen) {
    const Json taking = {{"status", "taking Q8_0 (531 MB) of 4 that are published"}};
    for (const std::optional<std::size_t> width :
         {std::optional<std::size_t>(), std::optional<std::size_t>(80)}) {
        PullDisplay shown = display(width);
        shown.show({{"status", "pulling manifest"}});
        take();
        shown.show(taking);
        EXPECT_THAT(take(), HasSubstr("taking Q8_0 (531 MB) of 4 that are published"));
        clock_.advance(1s);
        shown.show(layer(500'000'000));
        EXPECT_THAT(take(), Not(HasSubstr("A\r"))) << "nothing above is drawn over";
    }
}

TEST_F(PullDisplayTest, PrintsALineEveryThirtySecondsWhenItIsSlow) {
    PullDisplay shown = display(std::nullopt);
    take();
    shown.show(layer(1'000'000));
    clock_.advance(29s);
    shown.show(layer(2'000'000));
    EXPECT_EQ(take(), "");
    clock_.advance(1s);
    shown.show(layer(3'000'000));
    EXPECT_THAT(take(), HasSubstr(": 0% (3.0 MB of 1.0 GB, "));
}

TEST_F(PullDisplayTest, RedrawsAtMostTenTimesASecond) {
    PullDisplay shown = display(80);
    int draws = 0;
    for (int i = 0; i < 1000; ++i) {
        clock_.advance(1ms);
        shown.show(layer(static_cast<std::uint64_t>(i) * 1000));
        draws += take().empty() ? 0 : 1;
    }
    EXPECT_LE(draws, 10);
    EXPECT_GE(draws, 9);
}

TEST_F(PullDisplayTest, ShowsABarRateAndTimeLeftThatFitTheTerminal) {
    for (const std::size_t width : {200u, 80u, 50u, 20u}) {
        PullDisplay shown = display(width);
        shown.show(layer(0));
        clock_.advance(10s);
        take();
        shown.show(layer(500'000'000));
        const std::string text = take();
        std::size_t begin = text.find('\r') + 1;
        const std::string line = text.substr(begin, text.find('\x1b', begin) - begin);
        EXPECT_LT(line.size(), width + 2) << line; // an ellipsis takes three bytes
        if (width >= 80) {
            EXPECT_THAT(line, ::testing::MatchesRegex(".*\\[=+ +\\] .*")) << line;
            EXPECT_THAT(line, EndsWith(" 50%  500 MB of 1.0 GB, 50 MB/s, 10s left"));
        }
    }
}

TEST_F(PullDisplayTest, TellsWhereAnEarlierTryHadStopped) {
    PullDisplay shown = display(100);
    shown.show(layer(400'000'000));
    EXPECT_THAT(take(), HasSubstr("(resumed at 400 MB)"));
}

TEST_F(PullDisplayTest, LetsFinishedFilesScrollAwayOnce) {
    PullDisplay shown = display(80);
    shown.show(layer(1'000'000'000));
    EXPECT_THAT(take(), HasSubstr("6a0746a1ec1a  done  1.0 GB"));
    clock_.advance(1s);
    shown.show(layer(5, 10, "ffff"));
    const std::string text = take();
    EXPECT_THAT(text, Not(HasSubstr("done")));
    EXPECT_THAT(text, HasSubstr("ffff"));
    shown.finish("library/llama3.2:latest");
    EXPECT_THAT(take(), HasSubstr("pulled library/llama3.2:latest"));
}

TEST_F(PullDisplayTest, ShowsAFileWhoseDigestIsNotKnownYet) {
    PullDisplay shown = display(100);
    shown.show(Json{{"status", "pulling x.gguf"}, {"total", 1000}, {"completed", 500}});
    EXPECT_THAT(take(), HasSubstr("x.gguf  [="));
}

TEST_F(PullDisplayTest, NeverCountsBackwardsNorBeyondTheTotal) {
    PullDisplay shown = display(80);
    shown.show(layer(500'000'000));
    clock_.advance(1s);
    take();
    shown.show(layer(100'000'000));
    EXPECT_THAT(take(), HasSubstr(" 50%"));
    clock_.advance(1s);
    shown.show(layer(5'000'000'000));
    EXPECT_THAT(take(), HasSubstr("done"));
}

TEST(RateMeter, LooksAtTheLastTenSeconds) {
    RateMeter meter;
    RateMeter::Time now{};
    EXPECT_EQ(meter.bytes_per_second(now), 0);
    std::uint64_t bytes = 0;
    for (int i = 0; i < 600; ++i) { // a minute at 1000 B/s
        meter.add(now, bytes);
        now += 100ms;
        bytes += 100;
    }
    EXPECT_NEAR(meter.bytes_per_second(now), 1000, 20);
    now += 5s; // a stall
    meter.add(now, bytes);
    EXPECT_NEAR(meter.bytes_per_second(now), 500, 60);
}

} // namespace
} // namespace hearth::cli
