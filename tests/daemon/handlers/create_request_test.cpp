#include "daemon/handlers/create_request.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth::daemon {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

ErrorCode refusal(const Json& body) {
    try {
        parse_create(body);
    } catch (const Error& error) {
        EXPECT_FALSE(std::string(error.what()).empty());
        return error.code();
    }
    ADD_FAILURE() << "accepted: " << body;
    return ErrorCode::internal;
}

TEST(CreateRequest, TakesEveryFieldThatMakesAModel) {
    const CreateRequest request = parse_create({{"model", "m"},
                                                {"from", "base"},
                                                {"adapters", {{"a.gguf", digest}}},
                                                {"template", "T"},
                                                {"system", ""},
                                                {"license", {"one", "", "two"}},
                                                {"parameters", {{"top_k", 3}}},
                                                {"messages", {{{"role", "user"}, {"content", "hi"}}}},
                                                {"stream", false}});
    EXPECT_EQ(request.from, "base");
    EXPECT_EQ(request.build.name, "m");
    EXPECT_EQ(request.build.adapters.at("a.gguf").text(), digest);
    EXPECT_EQ(request.build.template_text, "T");
    EXPECT_EQ(request.build.system, ""); // takes the base's away
    EXPECT_EQ(request.build.licenses, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(request.build.parameters_json, R"({"top_k":3})");
    EXPECT_FALSE(request.build.messages_json.empty());
    EXPECT_FALSE(request.stream);
}

TEST(CreateRequest, WhatIsNotSaidStaysAsItIs) {
    const CreateRequest request =
        parse_create({{"name", "m"}, {"from", "base"}, {"template", ""}, {"license", "L"}});
    EXPECT_FALSE(request.build.template_text);
    EXPECT_FALSE(request.build.system);
    EXPECT_EQ(request.build.licenses, std::vector<std::string>{"L"});
    EXPECT_TRUE(request.build.parameters_json.empty());
    EXPECT_TRUE(request.build.messages_json.empty());
    EXPECT_TRUE(request.stream);
}

TEST(CreateRequest, RefusesWhatIsWrongAndWhatIsDoneElsewhere) {
    EXPECT_EQ(refusal({{"from", "base"}}), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal({{"model", "m"}}), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal({{"model", "m"}, {"files", {{"a", "sha256:../x"}}}}), ErrorCode::invalid_argument);
    EXPECT_EQ(refusal({{"model", "m"}, {"from", "b"}, {"parameters", {{"top_k", "x"}}}}),
              ErrorCode::invalid_argument);
    EXPECT_EQ(refusal({{"model", "m"}, {"from", "b"}, {"parameters", {{"keep_alive", "300"}}}}),
              ErrorCode::invalid_argument);
    EXPECT_EQ(refusal({{"model", "m"}, {"from", "b"}, {"quantize", "Q4_K_M"}}), ErrorCode::unsupported);
    EXPECT_EQ(refusal({{"model", "m"}, {"from", "b"}, {"remote_host", "x"}}), ErrorCode::unsupported);
}

} // namespace
} // namespace hearth::daemon
