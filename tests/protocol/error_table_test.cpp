#include "protocol/error_table.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth::protocol {
namespace {

constexpr int last_code = static_cast<int>(ErrorCode::protocol);

TEST(ErrorTable, HasARowForEveryCode) {
    for (int number = 0; number <= last_code; ++number) {
        const auto code = static_cast<ErrorCode>(number);
        const ErrorRow& row = error_row(code);
        EXPECT_EQ(row.code, code) << code_name(code);
        EXPECT_GE(row.http_status, 400);
        EXPECT_LE(row.http_status, 599);
        EXPECT_NE(row.exit_code, 0);
    }
}

TEST(ErrorTable, KeepsTheExitCodesThatScriptsRelyOn) {
    EXPECT_EQ(error_row(ErrorCode::internal).exit_code, 1);
    EXPECT_EQ(error_row(ErrorCode::usage).exit_code, 2);
    EXPECT_EQ(error_row(ErrorCode::model_not_found).exit_code, 3);
    EXPECT_EQ(error_row(ErrorCode::memory_insufficient).exit_code, 4);
    EXPECT_EQ(error_row(ErrorCode::disk_full).exit_code, 4);
    EXPECT_EQ(error_row(ErrorCode::daemon_unreachable).exit_code, 5);
    EXPECT_EQ(error_row(ErrorCode::token_required).exit_code, 6);
    EXPECT_EQ(error_row(ErrorCode::registry_denied).exit_code, 6);
    EXPECT_EQ(error_row(ErrorCode::cancelled).exit_code, 130);
}

TEST(ErrorTable, KeepsTheStatusesThatClientsRelyOn) {
    EXPECT_EQ(error_row(ErrorCode::invalid_argument).http_status, 400);
    EXPECT_EQ(error_row(ErrorCode::unsupported).http_status, 400);
    EXPECT_EQ(error_row(ErrorCode::model_not_found).http_status, 404);
    EXPECT_EQ(error_row(ErrorCode::method_not_allowed).http_status, 405);
    EXPECT_EQ(error_row(ErrorCode::too_large).http_status, 413);
    EXPECT_EQ(error_row(ErrorCode::busy).http_status, 503);
    EXPECT_EQ(error_row(ErrorCode::memory_insufficient).http_status, 507);
}

TEST(ErrorJson, HasTextCodeAndAHintWhenThereIsOne) {
    EXPECT_EQ(to_text(error_json(Error(ErrorCode::busy, "full", "wait"))),
              R"({"code":"busy","error":"full","hint":"wait"})");
    EXPECT_FALSE(error_json(Error(ErrorCode::busy, "full")).contains("hint"));
}

TEST(ErrorJson, ForOpenAiHasTheShapeItsClientsRead) {
    const Json body = openai_error_json(Error(ErrorCode::model_not_found, "no such model", "pull it"));
    EXPECT_EQ(body["error"]["message"], "no such model");
    EXPECT_EQ(body["error"]["type"], "not_found_error");
    EXPECT_EQ(body["error"]["code"], "model.not_found");
    EXPECT_TRUE(body["error"]["param"].is_null());
    EXPECT_EQ(openai_error_json(Error(ErrorCode::internal, "x"))["error"]["type"], "api_error");
    EXPECT_EQ(openai_error_json(Error(ErrorCode::too_large, "x"))["error"]["type"], "invalid_request_error");
}

TEST(ErrorJson, ForAnthropicHasTheShapeItsClientsRead) {
    const Json body = anthropic_error_json(Error(ErrorCode::model_not_found, "no such model", "pull it"));
    const Json inner = {{"type", "not_found_error"},
                        {"message", "no such model"},
                        {"code", "model.not_found"},
                        {"hint", "pull it"},
                        {"details", {{"error_code", "model.not_found"}}}};
    EXPECT_EQ(body, (Json{{"type", "error"}, {"error", inner}}));
    const auto type = [](ErrorCode code) { return anthropic_error_json(Error(code, "x"))["error"]["type"]; };
    EXPECT_EQ(type(ErrorCode::invalid_argument), "invalid_request_error");
    EXPECT_EQ(type(ErrorCode::token_required), "authentication_error");
    EXPECT_EQ(type(ErrorCode::forbidden), "permission_error");
    EXPECT_EQ(type(ErrorCode::too_large), "request_too_large");
    EXPECT_EQ(type(ErrorCode::busy), "overloaded_error");
    EXPECT_EQ(type(ErrorCode::timeout), "timeout_error");
    EXPECT_EQ(type(ErrorCode::runner_lost), "api_error");
}

TEST(ErrorFromJson, ReadsEveryShapeBack) {
    const Error error(ErrorCode::disk_full, "no space", "remove a model");
    for (const Json& body : {error_json(error), openai_error_json(error), anthropic_error_json(error)}) {
        const Error read = error_from_json(to_text(body), 200);
        EXPECT_EQ(read.code(), ErrorCode::disk_full);
        EXPECT_STREQ(read.what(), "no space");
        EXPECT_EQ(read.hint(), "remove a model");
    }
}

TEST(ErrorFromJson, FallsBackToTheStatus) {
    EXPECT_EQ(error_from_json(R"({"error":"gone"})", 404).code(), ErrorCode::model_not_found);
    EXPECT_EQ(error_from_json(R"({"error":"x","code":"from.the.future"})", 503).code(), ErrorCode::busy);
    EXPECT_EQ(error_from_json(R"({"error":"x","code":"internal"})", 404).code(), ErrorCode::internal);
    EXPECT_EQ(error_from_json("<html>", 418).code(), ErrorCode::invalid_argument);
    EXPECT_STREQ(error_from_json("[1]", 500).what(), "the service answered with HTTP status 500");
    EXPECT_STREQ(error_from_json(R"({"error":{"message":7}})", 500).what(),
                 "the service answered with HTTP status 500");
}

} // namespace
} // namespace hearth::protocol
