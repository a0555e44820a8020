#include "registry/pull/hub_refusal.hpp"

#include <gtest/gtest.h>

namespace hearth::registry::testing {
namespace {

HubRefusal refusal(int status, const std::string& code, bool with_token = false) {
    return {.status = status,
            .code = code,
            .message = "",
            .page = "https://huggingface.co/org/repo",
            .repository = "hf.co/org/repo",
            .with_token = with_token};
}

TEST(HubRefusal, AGatedModelSaysWhereToAcceptAndWhatToSet) {
    const Error error = describe(refusal(401, "GatedRepo"));
    EXPECT_EQ(error.code(), ErrorCode::registry_denied);
    EXPECT_NE(error.hint().find("https://huggingface.co/org/repo"), std::string::npos);
    EXPECT_NE(error.hint().find("HF_TOKEN"), std::string::npos);
    const Error with_token = describe(refusal(403, "GatedRepo", true));
    EXPECT_NE(with_token.hint().find("account"), std::string::npos);
    EXPECT_EQ(with_token.hint().find("HF_TOKEN"), std::string::npos) << "it is set already";
}

TEST(HubRefusal, WhatIsNotThereIsNotFound) {
    EXPECT_EQ(describe(refusal(401, "RepoNotFound")).code(), ErrorCode::model_not_found);
    EXPECT_EQ(describe(refusal(404, "")).code(), ErrorCode::model_not_found);
    EXPECT_EQ(describe(refusal(404, "EntryNotFound")).code(), ErrorCode::model_not_found);
}

TEST(HubRefusal, WithoutACodeAllReasonsAreSaid) {
    const std::string text = describe(refusal(401, "")).what();
    EXPECT_NE(text.find("does not exist, is private, or is gated"), std::string::npos) << text;
    EXPECT_EQ(describe(refusal(401, "", true)).code(), ErrorCode::registry_denied);
    EXPECT_EQ(describe(refusal(403, "")).code(), ErrorCode::registry_denied);
}

TEST(HubRefusal, ADisabledRepositoryIsSaidToBe) {
    HubRefusal disabled = refusal(403, "");
    disabled.message = "Access to this resource is disabled.";
    EXPECT_NE(std::string(describe(disabled).what()).find("disabled"), std::string::npos);
}

TEST(RateLimit, WaitsASecondLongerThanItSays) {
    EXPECT_EQ(parse_rate_limit(R"("api";r=0;t=12)"), std::chrono::seconds(13));
    EXPECT_EQ(parse_rate_limit(R"("api";t=3;r=0)"), std::chrono::seconds(4));
    EXPECT_EQ(parse_rate_limit(R"("api";r=0)"), std::nullopt);
    EXPECT_EQ(parse_rate_limit(R"("api";t=x)"), std::nullopt);
    EXPECT_EQ(parse_rate_limit(""), std::nullopt);
}

} // namespace
} // namespace hearth::registry::testing
