#include "daemon/planning/plan_question.hpp"

#include "tests/base/expect_error.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace hearth::daemon {
namespace {

namespace memory = runtime::memory;
using testing::expect_error;

TEST(PlanQuestion, TakesEveryWish) {
    const PlanQuestion question = parse_plan_question(Json::parse(
        R"({"model":"hf.co/org/m","context":32768,"parallel":2,"kv_type":"q8_0","load_mode":"read","unified":false,
            "gpu_layers":12,"device":"cuda0","quant":"Q4_K_M","ram":"8GiB","gpus":["6GiB:168GB/s"],"quick":true,
            "embeddings":true,"force":true})"));
    EXPECT_EQ(question.model, "hf.co/org/m");
    EXPECT_EQ(question.wishes.context, 32768u);
    EXPECT_EQ(question.wishes.parallel, 2);
    EXPECT_EQ(question.wishes.kv_type, memory::CacheType::q8_0);
    EXPECT_EQ(question.wishes.load_mode, memory::LoadMode::read);
    EXPECT_EQ(question.wishes.unified, false);
    EXPECT_EQ(question.wishes.gpu_layers, 12);
    EXPECT_EQ(question.wishes.device, "cuda0");
    EXPECT_EQ(question.wishes.quant, "Q4_K_M");
    EXPECT_EQ(question.machine.ram, "8GiB");
    EXPECT_THAT(question.machine.gpus, ::testing::ElementsAre("6GiB:168GB/s"));
    EXPECT_TRUE(question.quick && question.wishes.embeddings && question.wishes.force);
}

TEST(PlanQuestion, LeavesToThePlannerWhatIsNotSaid) {
    const PlanQuestion question = parse_plan_question(Json{{"model", "m"}});
    EXPECT_FALSE(question.wishes.context || question.wishes.parallel || question.wishes.kv_type ||
                 question.wishes.unified);
    EXPECT_TRUE(question.machine.is_real());
}

TEST(PlanQuestion, NamesTheFieldThatIsWrong) {
    for (const char* body : {R"({"context":0})", R"({"context":"many"})", R"({"parallel":257})",
                             R"({"kv_type":"q9"})", R"({"kv_type":7})", R"({"load_mode":"fast"})",
                             R"({"unified":"yes"})", R"({"gpus":"6GiB"})", R"({"gpu_layers":-1})"}) {
        Json json = Json::parse(body);
        const std::string field = json.begin().key();
        json["model"] = "m";
        try {
            parse_plan_question(json);
            ADD_FAILURE() << body << " was taken";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << body;
            EXPECT_THAT(error.what(), ::testing::HasSubstr(field));
        }
    }
    expect_error(ErrorCode::invalid_argument, [] { parse_plan_question(Json::object()); });
}

} // namespace
} // namespace hearth::daemon
