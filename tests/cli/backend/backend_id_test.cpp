#include "cli/backend/backend_id.hpp"

#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hearth::cli::backend {
namespace {

using hearth::testing::expect_error;

TEST(BackendVersions, AreOrderedAsSemanticVersioningHasIt) {
    const std::vector<const char*> ascending{
        "0.5.0-alpha", "0.5.0-alpha.1", "0.5.0-alpha.beta", "0.5.0-beta.2", "0.5.0-beta.11", "0.5.0-rc.1",
        "0.5.0",       "0.5.1",         "0.10.0",           "1.0.0"};
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            EXPECT_EQ(compare_versions(ascending[i], ascending[j]) < 0, i < j)
                << ascending[i] << " and " << ascending[j];
            EXPECT_EQ(compare_versions(ascending[i], ascending[j]) > 0, i > j)
                << ascending[i] << " and " << ascending[j];
        }
    }
}

TEST(BackendVersions, MayHaveAnyNumberOfPartsAndDigits) {
    EXPECT_TRUE(compare_versions("1", "1.0.0") == 0);
    EXPECT_TRUE(compare_versions("1.0.0.1", "1.0.0") > 0);
    EXPECT_TRUE(compare_versions("1.0.0+cuda12", "1.0.0+cuda13") == 0) << "a build is no order";
    EXPECT_TRUE(compare_versions("1.0.99999999999999999999999", "1.0.100000000000000000000000") < 0);
    EXPECT_TRUE(compare_versions("2026.09", "2026.9") == 0);
}

TEST(BackendVersions, CanBeNamesOfFolders) {
    for (const char* good : {"1", "0.5.0", "1.0.0-rc.1+build_7"}) {
        EXPECT_TRUE(is_version(good)) << good;
    }
    for (const char* bad : {"", "v1", "..", "1/2", "1 2", "1@2", "-1", "1\n"}) {
        EXPECT_FALSE(is_version(bad)) << bad;
    }
    EXPECT_FALSE(is_version(std::string(65, '1')));
}

TEST(BackendIds, AreANameWithOrWithoutAVersion) {
    EXPECT_EQ(BackendId::parse("cuda"), (BackendId{"cuda", ""}));
    EXPECT_EQ(BackendId::parse("cuda@0.5.0"), (BackendId{"cuda", "0.5.0"}));
    EXPECT_EQ(BackendId::parse("cuda@0.5.0").text(), "cuda@0.5.0");
    for (const char* bad : {"", "@", "cuda@", "@0.5.0", "Cuda", "../cuda", "cuda@../x", "cuda@1@2", "a b"}) {
        EXPECT_FALSE(expect_error(ErrorCode::usage, [&] { BackendId::parse(bad); }).empty()) << bad;
    }
}

} // namespace
} // namespace hearth::cli::backend
