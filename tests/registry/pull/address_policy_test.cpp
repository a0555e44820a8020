#include "registry/fetch/address_policy.hpp"
#include "registry/fetch/url.hpp"
#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

namespace hearth::registry::fetch {
namespace {

using hearth::testing::expect_error;

AddressClass class_of(const std::string& host) {
    return classify_host(host).value();
}

TEST(AddressClasses, KnowWhatIsNotThePublicInternet) {
    for (const char* host :
         {"127.0.0.1", "127.9.9.9", "::1", "localhost", "a.localhost", "::ffff:127.0.0.1"}) {
        EXPECT_EQ(class_of(host), AddressClass::loopback) << host;
    }
    for (const char* host : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
                             "fc00::1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:0a00:0001::"}) {
        EXPECT_EQ(class_of(host), AddressClass::private_network) << host;
    }
    for (const char* host : {"0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::", "fe80::1",
                             "fec0::1", "ff02::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"}) {
        EXPECT_EQ(class_of(host), AddressClass::forbidden) << host;
    }
    for (const char* host : {"1.1.1.1", "172.32.0.1", "2606:4700::1111", "198.18.0.5"}) {
        EXPECT_EQ(class_of(host), AddressClass::global) << host;
    }
    EXPECT_FALSE(classify_host("registry.ollama.ai"));
}

TEST(Urls, AreReadAsCurlReadsThem) {
    EXPECT_EQ(parse_url("http://2130706433/x").host, "127.0.0.1");
    EXPECT_EQ(parse_url("http://0x7f.1/x").host, "127.0.0.1");
    EXPECT_EQ(parse_url("https://[::1]:8443/").host, "::1");
    EXPECT_EQ(parse_url("https://HOST.test/").origin(), "https://host.test:443");
    EXPECT_EQ(resolve_url(parse_url("https://a.test/x/y"), "../z?q").text, "https://a.test/z?q");
    EXPECT_EQ(resolve_url(parse_url("https://a.test/x"), "//b.test/y").host, "b.test");
    for (const char* url : {"file:///etc/passwd", "gopher://x/", "ftp://x/y", "https://user:pass@host/",
                            "https://", "nonsense"}) {
        expect_error(ErrorCode::network_forbidden, [&] { parse_url(url); });
    }
}

AddressPolicy policy_for(const char* url, Reach reach = Reach::named_host, bool insecure = false) {
    return AddressPolicy(parse_url(url), reach, insecure);
}
void expect_refused(const AddressPolicy& policy, const char* from, const char* to) {
    const Url previous = parse_url(from);
    SCOPED_TRACE(to);
    expect_error(ErrorCode::network_forbidden, [&] { policy.check(parse_url(to), &previous); });
}

TEST(AddressPolicies, KeepRedirectsOfPublicServersPublic) {
    const char* start = "https://registry.test/x";
    const AddressPolicy policy = policy_for(start);
    for (const char* target : {"https://127.0.0.1/", "http://127.0.0.1:6379/", "https://localhost/",
                               "https://[::1]/", "https://10.0.0.1/", "https://169.254.169.254/",
                               "https://2130706433/", "http://registry.test/x", "http://cdn.test/"}) {
        expect_refused(policy, start, target);
    }
    const Url previous = parse_url(start);
    policy.check(parse_url("https://cdn.test/y"), &previous);
}

TEST(AddressPolicies, LetANamedLoopbackRegistryBePlain) {
    const char* start = "http://127.0.0.1:5000/v2/";
    const AddressPolicy policy = policy_for(start);
    policy.check(parse_url(start), nullptr);
    const Url previous = parse_url(start);
    policy.check(parse_url("http://localhost:9000/blob"), &previous);
    expect_refused(policy, start, "https://10.0.0.1/");
    expect_refused(policy, "https://cdn.test/", "http://127.0.0.1:5000/"); // loopback → public → loopback
}

TEST(AddressPolicies, RefuseLoopbackToAServersOwnUrls) {
    const AddressPolicy policy = policy_for("http://127.0.0.1:22/token", Reach::public_only);
    expect_error(ErrorCode::network_forbidden,
                 [&] { policy.check(parse_url("http://127.0.0.1:22/token"), nullptr); });
}

TEST(AddressPolicies, StopNamesThatResolveToPrivateAddresses) {
    const Url name = parse_url("https://rebind.test/");
    const AddressPolicy policy = policy_for("https://rebind.test/");
    EXPECT_TRUE(policy.allows(name, AddressClass::global));
    EXPECT_FALSE(policy.allows(name, AddressClass::loopback));
    EXPECT_FALSE(policy.allows(name, AddressClass::private_network));
    EXPECT_FALSE(policy.allows(name, AddressClass::forbidden));
    const AddressPolicy trusted = policy_for("https://rebind.test/", Reach::named_host, true);
    EXPECT_TRUE(trusted.allows(name, AddressClass::private_network));
    EXPECT_FALSE(trusted.allows(name, AddressClass::forbidden));
    EXPECT_NE(policy.pool_key(name), trusted.pool_key(name))
        << "a connection made with more rights is not reused with fewer";
}

TEST(AddressPolicies, AllowAPrivateAddressThatAPersonTyped) {
    const AddressPolicy policy = policy_for("https://192.168.1.5:5000/");
    policy.check(parse_url("https://192.168.1.5:5000/"), nullptr);
    EXPECT_TRUE(policy.allows(parse_url("https://192.168.1.5:5000/"), AddressClass::private_network));
    expect_error(ErrorCode::network_forbidden, [] {
        policy_for("http://192.168.1.5:5000/").check(parse_url("http://192.168.1.5:5000/"), nullptr);
    });
    policy_for("http://192.168.1.5:5000/", Reach::named_host, true)
        .check(parse_url("http://192.168.1.5:5000/"), nullptr);
    EXPECT_FALSE(
        policy_for("https://localhost/").allows(parse_url("https://localhost/"), AddressClass::global));
}

} // namespace
} // namespace hearth::registry::fetch
