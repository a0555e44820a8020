#include "cli/backend/unpack.hpp"

#include "base/atomic_file.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/cli/backend/archive_file.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

namespace hearth::cli::backend {
namespace {

namespace fs = std::filesystem;
using hearth::testing::ArchiveEntry;
using hearth::testing::expect_error;
using hearth::testing::make_archive;
using ::testing::HasSubstr;

class Unpack : public ::testing::Test {
  protected:
    Unpack() { fs::create_directory(folder_); }

    void unpack(const std::vector<ArchiveEntry>& entries, const UnpackLimits& limits = {}) {
        const UniqueFd fd = make_archive(dir_.path() / "package.tgz", entries);
        unpack_package(fd.get(), folder_, limits);
    }
    /// An archive with a good file and then that entry.
    std::string refusal(const ArchiveEntry& bad, ErrorCode code = ErrorCode::backend_failed) {
        return expect_error(code, [&] { unpack({{"package/good", "good"}, bad}); });
    }
    /// Everything in the temporary folder but what belongs there.
    std::vector<std::string> strangers() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(dir_.path())) {
            if (entry.path() != folder_ && entry.path().filename() != "package.tgz") {
                found.push_back(entry.path().filename());
            }
        }
        return found;
    }

    hearth::testing::TemporaryDir dir_;
    fs::path folder_ = dir_.path() / "unpacked";
};

TEST_F(Unpack, WritesFilesWithoutTheFolderOnTop) {
    unpack({{"package/package.json", "{}"},
            {"package/plugin/", "", '5', {}, 0777},
            {"package/plugin/libx.so", std::string(200000, 'x'), '0', {}, 06777}});
    EXPECT_EQ(read_file(folder_ / "package.json"), "{}");
    EXPECT_EQ(read_file(folder_ / "plugin/libx.so"), std::string(200000, 'x'));
    struct stat status{};
    ASSERT_EQ(::stat((folder_ / "plugin/libx.so").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07133, 0u) << "neither setuid, nor writable by others, nor executable";
    ASSERT_EQ(::stat((folder_ / "plugin").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0022, 0u);
}

TEST_F(Unpack, RefusesPathsThatLeadOut) {
    for (const char* path : {"package/../../escaped", "../escaped", "package/x/../../../escaped",
                             "package/..", "package/./x", "package//x", "package/a\\b", "package/a\nb"}) {
        EXPECT_THAT(refusal({path, "bad"}), HasSubstr("the path")) << path;
        fs::remove_all(folder_);
        fs::create_directory(folder_);
    }
    EXPECT_THAT(refusal({"/tmp/hearth-escaped", "bad"}), HasSubstr("is absolute"));
    EXPECT_FALSE(fs::exists("/tmp/hearth-escaped"));
    EXPECT_TRUE(strangers().empty());
}

TEST_F(Unpack, RefusesAFileBesideTheFolderOnTop) {
    EXPECT_THAT(refusal({"alone", "bad"}), HasSubstr("outside of the package's folder"));
}

TEST_F(Unpack, RefusesLinks) {
    EXPECT_THAT(refusal({"package/link", "", '2', "/etc"}), HasSubstr("is a symbolic link"));
    EXPECT_FALSE(fs::exists(fs::symlink_status(folder_ / "link")));
}

TEST_F(Unpack, RefusesHardLinksEvenToItsOwnFiles) {
    EXPECT_THAT(refusal({"package/hard", "", '1', "package/good"}), HasSubstr("is a hard link"));
}

TEST_F(Unpack, RefusesDevices) {
    EXPECT_THAT(refusal({"package/null", "", '3'}), HasSubstr("is a device"));
}

TEST_F(Unpack, RefusesPipes) {
    EXPECT_THAT(refusal({"package/pipe", "", '6'}), HasSubstr("is a pipe"));
}

TEST_F(Unpack, RefusesAPathThatComesTwice) {
    EXPECT_THAT(refusal({"package/good", "other"}), HasSubstr("comes twice"));
    EXPECT_EQ(read_file(folder_ / "good"), "good");
}

TEST_F(Unpack, RefusesAFileWhereAFolderHasToBe) {
    EXPECT_THAT(refusal({"package/good/inner", "bad"}), HasSubstr("is a file and a folder"));
}

TEST_F(Unpack, RefusesMoreBytesThanItMay) {
    const UnpackLimits limits{.bytes = 1000, .entries = 10};
    const std::string half(600, '\0');
    expect_error(ErrorCode::too_large, [&] { unpack({{"package/a", half}, {"package/b", half}}, limits); });
    EXPECT_FALSE(fs::exists(folder_ / "b")) << "its size was known before a byte of it was written";
}

TEST_F(Unpack, RefusesMoreEntriesThanItMay) {
    const UnpackLimits limits{.bytes = 1000, .entries = 2};
    expect_error(ErrorCode::too_large,
                 [&] { unpack({{"package/a", "a"}, {"package/b", "b"}, {"package/c", "c"}}, limits); });
}

TEST_F(Unpack, RefusesNamesThatAreTooLongOrTooDeep) {
    std::string deep = "package";
    for (int i = 0; i < 20; ++i) {
        deep += "/d";
    }
    EXPECT_THAT(refusal({deep, "bad"}), HasSubstr("too deep"));
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    EXPECT_THAT(refusal({"package/" + std::string(200, 'n'), "bad"}), HasSubstr("too long"));
}

TEST_F(Unpack, RefusesWhatWasCut) {
    const fs::path file = dir_.path() / "package.tgz";
    std::string noise;
    for (std::uint32_t state = 1; noise.size() < 100000; state = state * 1664525 + 1013904223) {
        noise += static_cast<char>(state >> 24);
    }
    make_archive(file, {{"package/noise", noise}, {"package/last", "last"}});
    const std::uintmax_t whole = fs::file_size(file);
    for (const std::uintmax_t size : {std::uintmax_t{20}, whole / 2, whole - 200}) {
        fs::resize_file(file, size);
        fs::remove_all(folder_);
        fs::create_directory(folder_);
        const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
        expect_error(ErrorCode::backend_failed, [&] { unpack_package(fd.get(), folder_); });
        make_archive(file, {{"package/noise", noise}, {"package/last", "last"}});
    }
}

TEST_F(Unpack, RefusesWhatIsNoArchive) {
    for (const std::string& content :
         {std::string(), std::string("<html>not found</html>"), std::string(5000, '\0')}) {
        write_file_atomically(dir_.path() / "package.tgz", content);
        const UniqueFd fd(::open((dir_.path() / "package.tgz").c_str(), O_RDONLY | O_CLOEXEC));
        expect_error(ErrorCode::backend_failed, [&] { unpack_package(fd.get(), folder_); });
    }
}

TEST_F(Unpack, RefusesAnArchiveOfNothing) {
    EXPECT_THAT(expect_error(ErrorCode::backend_failed, [&] { unpack({{"package/", "", '5'}}); }),
                HasSubstr("holds no file"));
}

} // namespace
} // namespace hearth::cli::backend
