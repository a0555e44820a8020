#include "registry/catalogue/known_models.hpp"

#include <gtest/gtest.h>

#include <set>

namespace hearth::registry {
namespace {

constexpr const char* library = "registry.ollama.ai";

TEST(KnownModels, EveryNameIsExactAndStandsForOneModel) {
    std::set<std::string> seen;
    for (const KnownModel& model : known_models()) {
        const ModelRef ref = ModelRef::parse(model.full_name);
        EXPECT_EQ(ref.full_name(), model.full_name);
        EXPECT_EQ(ref.short_name(), model.name);
        EXPECT_FALSE(model.title.empty() || model.publisher.empty() || model.license.empty()) << model.name;
        EXPECT_FALSE(model.capabilities.empty()) << model.name;
        EXPECT_TRUE(seen.insert(model.name).second) << model.name;
        for (const std::string& alias : model.aliases) {
            EXPECT_TRUE(seen.insert(alias).second) << alias;
            EXPECT_EQ(resolve_name(alias, library), ref) << alias;
        }
    }
    EXPECT_GE(known_models().size(), 20U);
}

TEST(KnownModels, OtherNamesMeanWhatTheyDidBefore) {
    for (const char* name :
         {"llama3.2", "llama3.2:1b", "team/llama-3.2-1b", "hf.co/org/llama-3.2-1b", "local/llama-3.2-1b"})
        EXPECT_EQ(resolve_name(name, library), ModelRef::parse(name, library)) << name;
}

TEST(KnownModels, AnAliasIsFoundWithoutCaseAndWithTheTagLatest) {
    EXPECT_EQ(resolve_name("Llama-3.2-1B", library).short_name(), "llama3.2:1b");
    EXPECT_EQ(resolve_name("llama-3.2-1b:latest", library).short_name(), "llama3.2:1b");
    EXPECT_EQ(resolve_name("llama-3.2-1b:other", library).full_name(),
              "registry.ollama.ai/library/llama-3.2-1b:other");
}

TEST(KnownModels, AnotherDefaultRegistryHasItsOwnNames) {
    EXPECT_EQ(resolve_name("llama-3.2-1b", "models.example").full_name(),
              "models.example/library/llama-3.2-1b:latest");
}

TEST(KnownModels, SearchNeedsEveryWordAndNoCase) {
    EXPECT_EQ(search_known_models({}).size(), known_models().size());
    const auto found = search_known_models({"LLAMA", "3.2", "1b"});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].name, "llama3.2:1b");
    EXPECT_FALSE(search_known_models({"embedding", "apache"}).empty());
    EXPECT_TRUE(search_known_models({"llama", "nonsense"}).empty());
}

} // namespace
} // namespace hearth::registry
