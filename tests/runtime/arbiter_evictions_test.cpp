/// Rule cost: who goes.
#include "tests/runtime/arbiter_fixture.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

/// a and b do not fit together.
class ArbiterEvictions : public ArbiterFixture {
  protected:
    ArbiterEvictions() {
        model("a", 60);
        model("b", 60);
    }
};

TEST_F(ArbiterEvictions, TheCheapestSetGoesByReloadTimeAndChanceOfReuse) {
    struct Case {
        const char* what;
        std::chrono::nanoseconds first;
        std::chrono::nanoseconds second;
        int uses_of_second;
        const char* goes;
    };
    for (const Case& one :
         {Case{"quicker to load", 10s, 2s, 1, "y"}, Case{"used less", 5s, 5s, 6, "x"},
          Case{"used more, but much quicker", 30s, 1s, 6, "y"}, Case{"by name", 5s, 5s, 1, "x"}}) {
        use(SwitchRule::cost);
        in_memory_.clear();
        log_.clear();
        model("x", 45, one.first);
        model("y", 45, one.second);
        model("z", 45);
        use_once("x");
        for (int time = 0; time < one.uses_of_second; ++time) {
            use_once("y");
        }
        advance(1min);
        use_once("z");
        EXPECT_FALSE(loaded().contains(one.goes)) << one.what;
        EXPECT_EQ(loaded().size(), 2u) << one.what;
    }
}

TEST_F(ArbiterEvictions, LargeModelsLeaveSmallOnesAlone) {
    model("embed", 5, 100ms);
    model("c", 90);
    use_once("a");
    use_once("embed");
    advance(10min); // and nobody has used it for long
    use_once("b");
    EXPECT_THAT(loaded(), ElementsAre("b", "embed"));
    const RequestId busy = ask("b");
    ask("c");
    EXPECT_THAT(loaded(), ElementsAre("b", "embed")) << "c waits for b, which is enough";
    end(busy);
    EXPECT_TRUE(loaded().contains("embed"));
}

TEST_F(ArbiterEvictions, ASmallModelGoesWhereALargeOneCannotFitOtherwise) {
    model("embed", 5);
    model("all", 98);
    use_once("embed");
    EXPECT_TRUE(has(ask("all")));
    EXPECT_THAT(loaded(), ElementsAre("all"));
}

TEST_F(ArbiterEvictions, SmallModelsAreProtectedUpToTheirShare) {
    for (const char* name : {"e1", "e2", "e3", "e4"}) {
        model(name, 5, 1ms);
        use_once(name);
        advance(1s);
    }
    model("c", 85);
    EXPECT_TRUE(has(ask("c")));
    EXPECT_THAT(loaded(), ElementsAre("c", "e2", "e3", "e4")) << "15 of 100 bytes, the last used ones";
}

TEST_F(ArbiterEvictions, PinnedModelsGoLast) {
    model("pinned", 40, 1ms);
    model("c", 30);
    use_once("pinned");
    arbiter_.keep("pinned", -1s, now_);
    use_once("c");
    advance(1h);
    use_once("a");
    EXPECT_THAT(loaded(), ElementsAre("a", "pinned"));
    model("all", 100);
    use_once("all");
    EXPECT_THAT(loaded(), ElementsAre("all"));
}

TEST_F(ArbiterEvictions, NeitherPinnedNorSmallModelsGoInPlaceOfABusyOneThatWasToGo) {
    model("pinned", 30);
    model("embed", 5);
    use_once("pinned");
    arbiter_.keep("pinned", -1s, now_);
    use_once("embed");
    const RequestId running = ask("a");
    advance(1min);
    const RequestId waiting = ask("b");
    use_once("embed");
    advance(1min);
    EXPECT_FALSE(has(waiting));
    EXPECT_THAT(loaded(), ElementsAre("a", "embed", "pinned"));
    end(running);
    EXPECT_TRUE(has(waiting));
}

TEST_F(ArbiterEvictions, NothingGoesForBytesThatALoadHasTakenAlready) {
    model("c", 20);
    model("d", 20);
    use_once("c");
    held_loads_.insert("a");
    ask("a");
    elsewhere_ = 50; // of its 60
    const RequestId waiting = ask("d");
    EXPECT_FALSE(has(waiting)) << "nobody can say yet how much of what is gone is a's";
    EXPECT_THAT(loaded(), ElementsAre("c"));
    elsewhere_ = 0;
    finish_load("a");
    EXPECT_TRUE(has(waiting));
    EXPECT_THAT(loaded(), ElementsAre("a", "c", "d"));
}

TEST_F(ArbiterEvictions, AnIdleModelGoesInPlaceOfABusyOneThatWasToGo) {
    model("c", 40);
    const RequestId running = ask("a");
    const RequestId other = ask("c");
    advance(1min);
    model("d", 40);
    const RequestId waiting = ask("d"); // both have had their turn
    end(other);
    EXPECT_TRUE(has(waiting));
    EXPECT_TRUE(has(running));
    EXPECT_TRUE(has(ask("a"))) << "nobody waits for its room";
}

} // namespace
} // namespace hearth::runtime
