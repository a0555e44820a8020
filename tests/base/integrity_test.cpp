#include "base/integrity.hpp"

#include "base/unique_fd.hpp"
#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace hearth {
namespace {

using testing::expect_error;

// Of the three letters "abc", by openssl dgst and base64.
constexpr std::string_view sha512_of_abc =
    "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
constexpr std::string_view sha256_of_abc = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

UniqueFd file_with(std::string_view content) {
    UniqueFd fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    EXPECT_EQ(::write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    return fd;
}

TEST(Integrity, IsWhatNpmWritesForAFile) {
    const UniqueFd file = file_with("abc"); // its offset is at the end
    EXPECT_EQ(Integrity::of_file(file.get()).text(), sha512_of_abc);
    const Integrity wanted = Integrity::parse(sha256_of_abc);
    EXPECT_EQ(wanted.of_same_kind(file.get()), wanted);
    EXPECT_NE(wanted.of_same_kind(file_with("abd").get()), wanted);
}

TEST(Integrity, TakesTheHexDigitsOfSha256) {
    const std::string hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    EXPECT_EQ(Integrity::from_sha256(hex).text(), sha256_of_abc);
    EXPECT_EQ(Integrity::from_sha256("BA" + hex.substr(2)).text(), sha256_of_abc);
    for (const std::string& wrong : {std::string(), hex.substr(1), hex + "0", "g" + hex.substr(1)}) {
        expect_error(ErrorCode::invalid_argument, [&] { Integrity::from_sha256(wrong); });
    }
}

TEST(Integrity, PrefersTheStrongestOfSeveralSums) {
    const std::string both =
        std::string(sha256_of_abc) + " sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0= " + std::string(sha512_of_abc);
    EXPECT_EQ(Integrity::parse(both).text(), sha512_of_abc);
}

TEST(Integrity, RefusesWeakSumsAndWhatIsNone) {
    const std::string cut(sha512_of_abc.substr(0, sha512_of_abc.size() - 2));
    const std::string_view shorter = sha256_of_abc.substr(7);
    for (const std::string& wrong :
         {std::string(), std::string("sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0="), cut,
          cut + "A=", "sha512-" + std::string(shorter), std::string("sha512-"), std::string("abc")}) {
        expect_error(ErrorCode::invalid_argument, [&] { Integrity::parse(wrong); });
    }
}

} // namespace
} // namespace hearth
