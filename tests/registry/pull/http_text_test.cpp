#include "registry/pull/http_text.hpp"
#include "registry/pull/retry.hpp"

#include <gtest/gtest.h>

namespace hearth::registry {
namespace {

TEST(ContentRange, IsTakenApartOnlyWhenItMakesSense) {
    const auto range = parse_content_range("bytes 100-199/200");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->first, 100u);
    EXPECT_EQ(range->total, 200u);
    EXPECT_EQ(parse_content_range("bytes */200")->total, 200u);
    EXPECT_FALSE(parse_content_range("bytes 100-199/*")->total.has_value());
    for (const char* text :
         {"", "bytes", "bytes 5", "bytes 5-/10", "bytes 5-4/10", "bytes 5-10/10", "items 0-1/2",
          "bytes -5-9/10", "bytes 0-99999999999999999999/*", "bytes 0-1/x"}) {
        EXPECT_FALSE(parse_content_range(text)) << text;
    }
}

TEST(BearerChallenge, KeepsQuotedCommasAndIgnoresOtherSchemes) {
    const auto found = parse_bearer_challenge(
        R"(Basic realm="x", Bearer realm="https://a/token",service="r", scope="repository:x:pull,push")");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->at("realm"), "https://a/token");
    EXPECT_EQ(found->at("scope"), "repository:x:pull,push");
    EXPECT_FALSE(parse_bearer_challenge("Basic realm=\"x\""));
    EXPECT_FALSE(parse_bearer_challenge(""));
    EXPECT_TRUE(parse_bearer_challenge("Bearer realm=\"unfinished"));
}

TEST(UrlStart, RefusesWhatParsersDisagreeAbout) {
    EXPECT_EQ(parse_url_start("https://Host.Test:5000/x?y")->host, "host.test:5000");
    for (const char* url :
         {"https://", "//host/", "https://a@b/", "https://a\\@b/", "https://a b/", "https://a%2fb/"}) {
        EXPECT_FALSE(parse_url_start(url)) << url;
    }
}

TEST(WebPage, IsKnownByTypeOrByItsFirstWords) {
    EXPECT_TRUE(is_web_page("text/html; charset=utf-8", ""));
    EXPECT_TRUE(is_web_page("", "\n <!DOCTYPE html><html>"));
    EXPECT_FALSE(is_web_page("application/json", "{\"a\":\"<html>\"}"));
    EXPECT_FALSE(is_web_page("", "GGUF"));
}

TEST(RetryAfter, CountsSecondsAndIgnoresTheRest) {
    EXPECT_EQ(parse_retry_after("10"), std::chrono::seconds(10));
    for (const char* text : {"", "soon", "-1", "1.5", "99999999999", "Wed, 21 Oct 2026 07:28:00 GMT"}) {
        EXPECT_FALSE(parse_retry_after(text)) << text;
    }
}

} // namespace
} // namespace hearth::registry
