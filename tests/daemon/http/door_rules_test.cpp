#include "daemon/http/door_rules.hpp"

#include "base/error.hpp"
#include "daemon/http/door.hpp"

#include <gtest/gtest.h>

namespace hearth::daemon::http {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Head head_with(Fields fields, const std::string& method = "POST") {
    Head head;
    head.method = method;
    head.target = "/";
    head.fields = std::move(fields);
    head.content_length = 2;
    return head;
}

/// Nothing when `work` throws nothing.
template <class Work> std::optional<ErrorCode> refusal(Work work) {
    try {
        work();
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

const Endpoint here = parse_endpoint("127.0.0.1:11434");

std::optional<ErrorCode> host_refusal(const std::string& host, const Endpoint& local = here) {
    const DoorRules rules{.hosts = {"box.example"}, .origins = {}};
    return refusal([&] { check_host(head_with({{"host", host}}), rules, local); });
}

TEST(DoorHost, IsOneOfOurNames) {
    for (const char* host : {"localhost", "LocalHost", "127.0.0.1", "[::1]", "localhost:11434",
                             "127.0.0.1:11434", "[::1]:11434", "box.example", "BOX.example:11434"}) {
        EXPECT_EQ(host_refusal(host), std::nullopt) << host;
    }
}

TEST(DoorHost, IsNoOtherName) {
    for (const char* host : {"evil.example",
                             "localhost.evil.example",
                             "localhost.",
                             "x.local",
                             "a.internal",
                             "127.0.0.1.nip.io",
                             "127.0.0.2",
                             "0.0.0.0",
                             "0",
                             "2130706433",
                             "0x7f000001",
                             "[::]",
                             "[::ffff:127.0.0.1]",
                             "[127.0.0.1]",
                             "::1",
                             "[::1",
                             "192.168.1.5",
                             "10.0.0.1",
                             "localhost:80",
                             "localhost:",
                             "localhost:011434",
                             "localhost:11434:11434",
                             ":11434",
                             "box.example:80",
                             "box.example.evil"}) {
        EXPECT_EQ(host_refusal(host), ErrorCode::forbidden) << host;
    }
}

TEST(DoorHost, MayBeTheAddressThatTheClientReachedUsBy) {
    EXPECT_EQ(host_refusal("192.168.1.5:11434", parse_endpoint("192.168.1.5:11434")), std::nullopt);
    EXPECT_EQ(host_refusal("192.168.1.6:11434", parse_endpoint("192.168.1.5:11434")), ErrorCode::forbidden);
    EXPECT_EQ(host_refusal("[fd00::5]", parse_endpoint("[fd00::5]:11434")), std::nullopt);
}

TEST(DoorHost, IsThereOnce) {
    EXPECT_EQ(refusal([] { check_host(head_with({}), {}, here); }), ErrorCode::invalid_argument);
    EXPECT_EQ(host_refusal(""), ErrorCode::invalid_argument);
    for (const char* name : {"origin", "authorization", "x-api-key", "sec-fetch-site", "content-type"}) {
        const Head head = head_with({{"host", "localhost"}, {name, "a"}, {name, "a"}});
        EXPECT_EQ(refusal([&] { check_host(head, {}, here); }), ErrorCode::invalid_argument) << name;
    }
}

TEST(DoorOrigin, IsRefusedUnlessItIsListed) {
    const DoorRules rules{.hosts = {}, .origins = {"https://app.example"}};
    EXPECT_EQ(check_origin(head_with({}), rules, here), "");
    EXPECT_EQ(check_origin(head_with({{"origin", "https://app.example"}, {"sec-fetch-site", "cross-site"}}),
                           rules, here),
              "https://app.example");
    for (const char* origin :
         {"https://evil.example", "null", "", "file://", "app://x", "chrome-extension://abc",
          "http://localhost:11434", "http://127.0.0.1:11434", "http://app.example", "https://app.example:444",
          "https://app.example.evil", "https://app.example/", "*"}) {
        EXPECT_EQ(refusal([&] { check_origin(head_with({{"origin", origin}}), rules, here); }),
                  ErrorCode::forbidden)
            << origin;
    }
}

TEST(DoorOrigin, IsToldBySecFetchSiteWhenAPageSendsNone) {
    for (const char* site : {"none", "same-origin"}) {
        EXPECT_EQ(check_origin(head_with({{"sec-fetch-site", site}}), {}, here), "") << site;
    }
    for (const char* site : {"cross-site", "same-site", "", "Same-Origin", "other"}) {
        EXPECT_EQ(refusal([&] { check_origin(head_with({{"sec-fetch-site", site}}), {}, here); }),
                  ErrorCode::forbidden)
            << site;
    }
}

std::optional<ErrorCode> type_refusal(Fields fields) {
    return refusal([&] { check_content_type(head_with(std::move(fields))); });
}

DoorRules own_page() {
    DoorRules rules;
    rules.pages = Pages::own;
    return rules;
}

TEST(OwnPage, HasOurAddressAndPortAsItsHost) {
    EXPECT_EQ(refusal([] { check_host(head_with({{"host", "127.0.0.1:11434"}}), own_page(), here); }),
              std::nullopt);
    for (const char* host : {"127.0.0.1", "localhost:11434", "localhost", "[::1]:11434", "127.0.0.1:11435",
                             "127.0.0.1:11434.evil", "127.0.0.1.evil.example:11434", "evil.example:11434",
                             "127.0.0.1:011434", "127.1:11434"}) {
        EXPECT_EQ(refusal([&] { check_host(head_with({{"host", host}}), own_page(), here); }),
                  ErrorCode::forbidden)
            << host;
    }
}

TEST(OwnPage, AsksFromOurOriginAndNoOther) {
    EXPECT_EQ(
        check_origin(head_with({{"origin", "http://127.0.0.1:11434"}, {"sec-fetch-site", "same-origin"}}),
                     own_page(), here),
        "");
    EXPECT_EQ(check_origin(head_with({{"sec-fetch-site", "none"}}), own_page(), here), "");
    for (const char* origin : {"http://127.0.0.1:11435", "http://127.0.0.1", "http://localhost:11434",
                               "https://127.0.0.1:11434", "http://127.0.0.1:11434.evil", "null", ""}) {
        EXPECT_EQ(refusal([&] { check_origin(head_with({{"origin", origin}}), own_page(), here); }),
                  ErrorCode::forbidden)
            << origin;
    }
    const Fields elsewhere{{"origin", "http://127.0.0.1:11434"}, {"sec-fetch-site", "cross-site"}};
    EXPECT_EQ(refusal([&] { check_origin(head_with(elsewhere), own_page(), here); }), ErrorCode::forbidden);
}

TEST(DoorContentType, IsOneThatAPageCannotSendUnasked) {
    for (const char* type :
         {"application/json", "application/json; charset=utf-8", "Application/JSON",
          "application/problem+json", "application/octet-stream", "application/x-ndjson"}) {
        EXPECT_EQ(type_refusal({{"content-type", type}, {"origin", "https://app.example"}}), std::nullopt)
            << type;
    }
    for (const char* type : {"text/plain", "text/plain;charset=UTF-8", "multipart/form-data; boundary=x",
                             "text/html", "application/jsonp", "json", "text/plain; application/json"}) {
        EXPECT_EQ(type_refusal({{"content-type", type}}), ErrorCode::media_type) << type;
    }
}

TEST(DoorContentType, MayBeAFormOrMissingFromWhatIsNoBrowser) {
    for (const Fields& type : {Fields{{"content-type", "application/x-www-form-urlencoded"}}, Fields{}}) {
        EXPECT_EQ(type_refusal(type), std::nullopt);
        Fields node = type;
        node.emplace_back("sec-fetch-mode", "cors");
        EXPECT_EQ(type_refusal(node), std::nullopt);
        for (const char* name : {"origin", "referer", "sec-fetch-site", "sec-fetch-dest", "sec-fetch-mode"}) {
            Fields browser = type;
            browser.emplace_back(name, "same-origin");
            EXPECT_EQ(type_refusal(browser), ErrorCode::media_type) << name;
        }
    }
}

TEST(DoorContentType, IsNotAskedForWithoutABody) {
    Head head = head_with({{"content-type", "text/plain"}});
    head.content_length = 0;
    EXPECT_EQ(refusal([&] { check_content_type(head); }), std::nullopt);
}

TEST(DoorRules, TakeExactNamesOnly) {
    EXPECT_EQ(checked({.hosts = {"Box.Example"}, .origins = {"HTTPS://App.Example"}}).hosts.front(),
              "box.example");
    for (const char* host : {"", "*", "*.example", "box:80", "http://box", "a b", "[::1]"}) {
        EXPECT_EQ(refusal([&] { checked({.hosts = {host}, .origins = {}}); }), ErrorCode::invalid_argument)
            << host;
    }
    for (const char* origin :
         {"", "*", "null", "app.example", "https://*.example", "https://a.example/", "://x"}) {
        EXPECT_EQ(refusal([&] { checked({.hosts = {}, .origins = {origin}}); }), ErrorCode::invalid_argument)
            << origin;
    }
}

TEST(Door, TakesATokenFromTheHeadersThatClientsSend) {
    const Door door(here, {}, [](std::string_view token) -> std::optional<TokenHolder> {
        if (token == "hearth_right") {
            return TokenHolder{"id", "my-app", Access::full};
        }
        return std::nullopt;
    });
    for (const Fields& fields :
         {Fields{{"authorization", "Bearer hearth_right"}}, Fields{{"authorization", "bearer  hearth_right"}},
          Fields{{"x-api-key", "hearth_right"}},
          Fields{{"authorization", "Bearer placeholder"}, {"x-api-key", "hearth_right"}}}) {
        const Admission admission = door.admit(head_with(fields));
        EXPECT_EQ(admission.access, Access::full);
        EXPECT_EQ(admission.app, (App{App::Source::token, "my-app"}));
        EXPECT_EQ(admission.token_id, "id");
    }
    for (const Fields& fields :
         {Fields{}, Fields{{"authorization", "Bearer "}}, Fields{{"authorization", "hearth_right"}},
          Fields{{"authorization", "Basic hearth_right"}}, Fields{{"authorization", "Bearer hearth_wrong"}},
          Fields{{"authorization", "Bearer sk-key"}}, Fields{{"cookie", "hearth_right"}}}) {
        EXPECT_EQ(refusal([&] { door.admit(head_with(fields)); }), ErrorCode::token_required);
    }
}

TEST(Door, LetsClientsWithoutATokenInfer) {
    const DoorRules rules{.hosts = {}, .origins = {}, .anonymous = Anonymous::infer};
    const Door door(here, rules, [](std::string_view) { return std::nullopt; });
    EXPECT_EQ(door.admit(head_with({})).access, Access::infer);
    EXPECT_EQ(door.admit(head_with({{"authorization", "Bearer ollama"}})).access, Access::infer);
    EXPECT_EQ(refusal([&] { door.admit(head_with({{"authorization", "Bearer hearth_revoked"}})); }),
              ErrorCode::token_required);
}

TEST(Door, OfThisMachineIsForThisMachine) {
    const Door door(here, {}, [](std::string_view) { return std::nullopt; });
    Peer peer;
    peer.local = here;
    peer.remote = parse_endpoint("192.168.1.9:4000");
    EXPECT_EQ(refusal([&] { door.check_origin(head_with({{"host", "localhost"}}), peer); }),
              ErrorCode::forbidden);
    peer.remote = parse_endpoint("[::ffff:127.0.0.1]:4000");
    EXPECT_EQ(door.check_origin(head_with({{"host", "localhost"}}), peer), "");
}

TEST(FailedTokens, SlowDownTheirAddressAlone) {
    const Limits limits;
    const auto guesser = here.address();
    const auto other = parse_endpoint("127.0.0.2").address();
    const FailedTokens::Time begin{};
    FailedTokens failed;
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(failed.count(guesser, begin, limits).count(), 0);
    }
    EXPECT_EQ(failed.count(guesser, begin, limits), std::chrono::seconds(1));
    EXPECT_EQ(failed.count(other, begin, limits).count(), 0);
    EXPECT_EQ(failed.count(guesser, begin + std::chrono::seconds(60), limits).count(), 0);
}

TEST(Endpoint, IsReadWithoutANameServer) {
    EXPECT_EQ(endpoint_text(parse_endpoint("127.0.0.1:80")), "127.0.0.1:80");
    EXPECT_EQ(endpoint_text(parse_endpoint("127.0.0.1")), "127.0.0.1:11434");
    EXPECT_EQ(endpoint_text(parse_endpoint("localhost:1")), "127.0.0.1:1");
    EXPECT_EQ(endpoint_text(parse_endpoint("[::1]")), "[::1]:11434");
    EXPECT_EQ(endpoint_text(parse_endpoint("[::]:0")), "[::]:0");
    for (const char* text : {"", ":", ":80", "example.org:80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                             "127.0.0.1:-1", "::1:80", "[::1", "[::1]80", "[127.0.0.1]:80", "127.0.0.1:80 ",
                             "http://127.0.0.1:80", "127.1:80"}) {
        EXPECT_EQ(refusal([&] { parse_endpoint(text); }), ErrorCode::invalid_argument) << text;
    }
}

} // namespace
} // namespace hearth::daemon::http
