#include "registry/model_ref.hpp"

#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

#include <array>

namespace hearth::registry {
namespace {

using testing::expect_error;

constexpr const char* pin = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct FormCase {
    const char* text;
    ModelRef::Kind kind;
    const char* full;
    const char* brief;
    const char* origin;
};
constexpr auto oci = ModelRef::Kind::oci;
constexpr auto hub = ModelRef::Kind::hub;
constexpr auto url = ModelRef::Kind::url;

const std::array forms{
    FormCase{"llama3.2", oci, "registry.ollama.ai/library/llama3.2:latest", "llama3.2:latest",
             "https://registry.ollama.ai"},
    FormCase{"llama3.2:1b", oci, "registry.ollama.ai/library/llama3.2:1b", "llama3.2:1b",
             "https://registry.ollama.ai"},
    FormCase{"team/model", oci, "registry.ollama.ai/team/model:latest", "team/model:latest",
             "https://registry.ollama.ai"},
    FormCase{"registry.ollama.ai/x", oci, "registry.ollama.ai/library/x:latest", "x:latest",
             "https://registry.ollama.ai"},
    FormCase{"Registry.Ollama.AI/library/X:Q4", oci, "registry.ollama.ai/library/X:Q4", "X:Q4",
             "https://registry.ollama.ai"},
    FormCase{"127.0.0.1:5000/library/x:q4", oci, "127.0.0.1:5000/library/x:q4", "127.0.0.1:5000/library/x:q4",
             "http://127.0.0.1:5000"},
    FormCase{"127.0.0.1:5000/x", oci, "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x:latest",
             "http://127.0.0.1:5000"},
    FormCase{"https://127.0.0.1:5000/x", oci, "https://127.0.0.1:5000/x:latest",
             "https://127.0.0.1:5000/x:latest", "https://127.0.0.1:5000"},
    FormCase{"http://localhost/x", oci, "localhost/x:latest", "localhost/x:latest", "http://localhost"},
    FormCase{"[::1]:5000/a/b", oci, "[::1]:5000/a/b:latest", "[::1]:5000/a/b:latest", "http://[::1]:5000"},
    FormCase{"[0:0:0:0:0:0:0:1]/a", oci, "[::1]/a:latest", "[::1]/a:latest", "http://[::1]"},
    FormCase{"ghcr.io/org/team/model:v1", oci, "ghcr.io/org/team/model:v1", "ghcr.io/org/team/model:v1",
             "https://ghcr.io"},
    FormCase{"https://server/models/x:1", oci, "https://server/models/x:1", "https://server/models/x:1",
             "https://server"},
    FormCase{"local/stories260K", ModelRef::Kind::local, "local/stories260K:latest", "stories260K:latest",
             ""},
    FormCase{"hf.co/org/Repo-GGUF:Q4_K_M", hub, "hf.co/org/Repo-GGUF:Q4_K_M", "hf.co/org/Repo-GGUF:Q4_K_M",
             "https://hf.co"},
    FormCase{"https://huggingface.co/org/repo", hub, "hf.co/org/repo:latest", "hf.co/org/repo:latest",
             "https://hf.co"},
    FormCase{"https://Example.com/a/b/x.gguf", url, "https://example.com/a/b/x.gguf",
             "https://example.com/a/b/x.gguf", "https://example.com"},
    FormCase{"http://127.0.0.1:80/x.GGUF?a=b@c", url, "http://127.0.0.1:80/x.GGUF?a=b@c",
             "http://127.0.0.1:80/x.GGUF?a=b@c", "http://127.0.0.1:80"},
    FormCase{"https://example.com/x.gguf:v2", oci, "example.com/x.gguf:v2", "example.com/x.gguf:v2",
             "https://example.com"},
    FormCase{"file:///tmp/My Models/ü.gguf", ModelRef::Kind::file, "file:///tmp/My Models/ü.gguf",
             "file:///tmp/My Models/ü.gguf", ""},
};

class ModelRefForms : public ::testing::TestWithParam<FormCase> {};

TEST_P(ModelRefForms, HaveOneKindOneFullNameAndOneOrigin) {
    const ModelRef ref = ModelRef::parse(GetParam().text);
    EXPECT_EQ(ref.kind, GetParam().kind);
    EXPECT_EQ(ref.full_name(), GetParam().full);
    EXPECT_EQ(ref.short_name(), GetParam().brief);
    EXPECT_EQ(ref.origin(), GetParam().origin);
}

TEST_P(ModelRefForms, ReadBackFromTheirFullName) {
    const ModelRef ref = ModelRef::parse(GetParam().text);
    EXPECT_EQ(ModelRef::parse(ref.full_name()), ref);
}

TEST_P(ModelRefForms, KeepAPin) {
    const ModelRef ref = ModelRef::parse(std::string(GetParam().text) + pin);
    ASSERT_TRUE(ref.pin);
    EXPECT_EQ("@" + ref.pin->text(), pin);
    EXPECT_EQ(ref.full_name(), std::string(GetParam().full) + pin);
    EXPECT_EQ(ModelRef::parse(ref.full_name()), ref);
}

INSTANTIATE_TEST_SUITE_P(All, ModelRefForms, ::testing::ValuesIn(forms));

class BadModelRefs : public ::testing::TestWithParam<const char*> {};

TEST_P(BadModelRefs, AreRefused) {
    expect_error(ErrorCode::bad_reference, [] { ModelRef::parse(GetParam()); });
}

INSTANTIATE_TEST_SUITE_P(
    All, BadModelRefs,
    ::testing::Values("", ":", "/", "x:", ":x", "x/", "/x", "a//b", ".", "..", "a/../b", "./x", "../x", "a/.",
                      "-x", ".x", "x y", "x\ty", "x\n", "ü", "x;rm", "x$(id)", "x`id`", "<img>", "x\\y",
                      "x:a/b:", "x:a b", "x:-a", "x@sha256:abc",
                      "x@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "x@md5:00",
                      "x@", "ftp://a.b/x", "gopher://a/x", "://x", "http://example.com/x",
                      "http://10.0.0.1/x.gguf", "http://127.0.0.1.evil.com/x",
                      "http://localhost.evil.com/x.gguf", "https://user:pw@example.com/x.gguf",
                      "https://example.com/a/../x.gguf", "https://example.com//x.gguf",
                      "https://example.com/x.gguf#f", "https://example.com", "https:///x.gguf", "a.b:0/x",
                      "a.b:65536/x", "a.b:08/x", "a.b:/x", "a..b/x", "0x7f.0.0.1/x", "127.1/x",
                      "2130706433:80/x", "1.2.3.4.5/x", "[::1/x", "[::g]/x", "[::1]x/y", "-a.b/x",
                      "file://x.gguf", "file:///a/../b.gguf", "file:///a/", "file://", "hf.co/x",
                      "hf.co/a/b/c", "http://hf.co/a/b", "https://local/a/b", "https://LOCAL/a"));

TEST(ModelRef, RefusesNulAndOverlongText) {
    expect_error(ErrorCode::bad_reference, [] { ModelRef::parse(std::string_view("x\0y", 3)); });
    expect_error(ErrorCode::bad_reference, [] { ModelRef::parse(std::string(129, 'x')); });
    expect_error(ErrorCode::bad_reference, [] { ModelRef::parse("x:" + std::string(129, 't')); });
    expect_error(ErrorCode::bad_reference,
                 [] { ModelRef::parse("https://a.b/" + std::string(9000, 'x') + ".gguf"); });
    EXPECT_NO_THROW(ModelRef::parse(std::string(128, 'x')));
}

TEST(ModelRef, NeverPutsControlCharactersIntoItsErrors) {
    const std::string text = expect_error(ErrorCode::bad_reference, [] { ModelRef::parse("x\x1b[2J\n"); });
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(ModelRef, TakesTheDefaultRegistryWithItsScheme) {
    EXPECT_EQ(ModelRef::parse("x", "127.0.0.1:5000").full_name(), "127.0.0.1:5000/library/x:latest");
    EXPECT_EQ(ModelRef::parse("x", "https://127.0.0.1:5000").origin(), "https://127.0.0.1:5000");
    const ModelRef ref = ModelRef::parse("x:1", "127.0.0.1:5000");
    EXPECT_EQ(ref.short_name("127.0.0.1:5000"), "x:1");
    EXPECT_EQ(ref.short_name(), "127.0.0.1:5000/library/x:1");
}

TEST(ModelRef, ComparesWithoutCaseSchemeAndPin) {
    EXPECT_TRUE(ModelRef::parse("Foo:Q4_k_m").same_model(ModelRef::parse("foo:q4_K_M")));
    EXPECT_TRUE(ModelRef::parse(std::string("x") + pin).same_model(ModelRef::parse("x")));
    EXPECT_TRUE(ModelRef::parse("http://127.0.0.1/x").same_model(ModelRef::parse("https://127.0.0.1/x")));
    EXPECT_FALSE(ModelRef::parse("x:a").same_model(ModelRef::parse("x:b")));
    EXPECT_FALSE(ModelRef::parse("a/x").same_model(ModelRef::parse("b/x")));
}

TEST(ModelRef, KeepsFilesAndUrlsUnderTheirStem) {
    const auto local = [](const char* text) { return ModelRef::parse(text).local_name().full_name(); };
    EXPECT_EQ(local("https://example.com/a/Qwen3-0.6B-Q8_0.gguf?download=true"),
              "local/Qwen3-0.6B-Q8_0:latest");
    EXPECT_EQ(local("file:///tmp/m-00001-of-00003.gguf"), "local/m:latest");
    EXPECT_EQ(local("file:///tmp/my model.gguf"), "local/my-model:latest");
    EXPECT_EQ(local("file:///tmp/.hidden.gguf"), "local/model.hidden:latest");
    EXPECT_EQ(local("file:///tmp/model"), "local/model:latest");
    EXPECT_EQ(local("x"), "registry.ollama.ai/library/x:latest");
}

TEST(ModelRef, KnowsWhatLoopbackIs) {
    for (const char* host : {"localhost", "localhost:80", "a.localhost", "127.0.0.1", "127.255.1.2:1",
                             "[::1]", "[::1]:80", "LOCALHOST"})
        EXPECT_TRUE(is_loopback_host(host)) << host;
    for (const char* host : {"127.0.0.1.evil.com", "localhost.evil.com", "128.0.0.1", "[::2]", "[::1]x",
                             "10.0.0.1", "127.1", ""})
        EXPECT_FALSE(is_loopback_host(host)) << host;
}

} // namespace
} // namespace hearth::registry
