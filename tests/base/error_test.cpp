#include "base/error.hpp"
#include "base/nearest.hpp"

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <new>
#include <set>

namespace hearth {
namespace {

constexpr int last_code = static_cast<int>(ErrorCode::protocol);

TEST(ErrorCode, NamesAreUniqueAndReadBack) {
    std::set<std::string_view> names;
    for (int number = 0; number <= last_code; ++number) {
        const auto code = static_cast<ErrorCode>(number);
        EXPECT_TRUE(names.insert(code_name(code)).second) << code_name(code);
        EXPECT_EQ(code_from_name(code_name(code)), code);
    }
    EXPECT_EQ(code_name(ErrorCode::memory_insufficient), "memory.insufficient");
    EXPECT_EQ(code_from_name("no such name"), ErrorCode::internal);
}

TEST(Error, PutsContextInFrontAndKeepsTheRest) {
    Error error(ErrorCode::corrupt_blob, "sha256 is wrong", "pull again");
    error.add_context("fetching layer 2");
    error.add_context("pulling llama3.2");
    EXPECT_STREQ(error.what(), "pulling llama3.2: fetching layer 2: sha256 is wrong");
    EXPECT_EQ(error.code(), ErrorCode::corrupt_blob);
    EXPECT_EQ(error.hint(), "pull again");
}

TEST(Error, OfAFullDiskIsDiskFullWhateverTheFallback) {
    EXPECT_EQ(system_error(ENOSPC, "writing").code(), ErrorCode::disk_full);
    EXPECT_EQ(system_error(EDQUOT, "writing", ErrorCode::internal).code(), ErrorCode::disk_full);
    const Error error = system_error(EACCES, "writing x", ErrorCode::load_failed);
    EXPECT_EQ(error.code(), ErrorCode::load_failed);
    EXPECT_STREQ(error.what(), "writing x: Permission denied");
}

TEST(ToError, TranslatesWhatItIsGiven) {
    const Error original(ErrorCode::busy, "later", "wait");
    const Error same = to_error(std::make_exception_ptr(original));
    EXPECT_EQ(same.code(), ErrorCode::busy);
    EXPECT_EQ(same.hint(), "wait");
    const boost::system::system_error aborted(boost::asio::error::operation_aborted);
    EXPECT_EQ(to_error(std::make_exception_ptr(aborted)).code(), ErrorCode::cancelled);
    EXPECT_EQ(to_error(std::make_exception_ptr(std::bad_alloc())).code(), ErrorCode::memory_insufficient);
    EXPECT_STREQ(to_error(std::make_exception_ptr(std::runtime_error("boom"))).what(), "boom");
    EXPECT_EQ(to_error(std::make_exception_ptr(7)).code(), ErrorCode::internal);
    EXPECT_EQ(to_error(nullptr).code(), ErrorCode::internal);
}

TEST(NearestName, FindsTypingMistakesAndNothingElse) {
    const std::array<std::string_view, 4> names{"pull", "run", "list", "status"};
    EXPECT_EQ(nearest_name("plul", names), "pull");
    EXPECT_EQ(nearest_name("staus", names), "status");
    EXPECT_EQ(nearest_name("lsit", names), "list");
    EXPECT_EQ(nearest_name("frobnicate", names), std::nullopt);
    EXPECT_EQ(nearest_name("", names), std::nullopt);
    EXPECT_EQ(nearest_name(std::string(100000, 'x'), names), std::nullopt);
}

} // namespace
} // namespace hearth
