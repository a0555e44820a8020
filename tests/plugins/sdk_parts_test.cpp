#include "plugins/sdk/elf_symbols.hpp"
#include "plugins/sdk/report.hpp"
#include "plugins/sdk/sha256.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

namespace hearth::sdk {
namespace {

TEST(SdkSha256, HashesTheExamplesOfTheStandard) {
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256_hex(std::string(1000000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(SdkElf, ListsWhatALibraryExports) {
    std::ostringstream bytes;
    bytes << std::ifstream(ECHO_PLUGIN, std::ios::binary).rdbuf();
    EXPECT_THAT(exported_symbols(bytes.str()), ::testing::ElementsAre("hearth_backend_get"));
}

TEST(SdkElf, RefusesEveryTruncationOfALibrary) {
    std::ostringstream bytes;
    bytes << std::ifstream(ECHO_PLUGIN, std::ios::binary).rdbuf();
    const std::string whole = bytes.str();
    for (const std::size_t length : {std::size_t{0}, std::size_t{3}, std::size_t{63}, std::size_t{64},
                                     whole.size() / 2, whole.size() - 1}) {
        EXPECT_THROW(exported_symbols(std::string_view(whole).substr(0, length)), Violation) << length;
    }
}

} // namespace
} // namespace hearth::sdk
