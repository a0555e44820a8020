#pragma once

#include "base/unique_fd.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <fcntl.h>

namespace hearth::testing {

/// One entry of an archive that a test makes, good or bad. Written byte by byte: a library would refuse what is hostile.
struct ArchiveEntry {
    std::string path;
    std::string content{};
    char type = '0'; ///< of ustar: 0 file, 1 hard link, 2 symbolic link, 3 device, 5 folder, 6 pipe
    std::string link{};
    unsigned mode = 0644;
};

/// A record of 512 bytes and the content after it, filled up.
inline std::string tar_record(const ArchiveEntry& entry) {
    std::string head(512, '\0');
    auto put = [&](std::size_t at, const std::string& text) { head.replace(at, text.size(), text); };
    put(0, entry.path.substr(0, 100));
    put(100, fmt::format("{:07o}", entry.mode));
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", entry.content.size()));
    put(136, "00000000000");
    put(148, "        ");
    head[156] = entry.type;
    put(157, entry.link);
    put(257, std::string("ustar\00000", 8));
    const unsigned sum = std::accumulate(head.begin(), head.end(), 0u, [](unsigned so_far, char c) {
        return so_far + static_cast<unsigned char>(c);
    });
    put(148, fmt::format("{:06o}", sum) + '\0' + ' ');
    return head + entry.content + std::string((512 - entry.content.size() % 512) % 512, '\0');
}

/// Writes a .tgz with these entries, whatever they are. @return it, open for reading
inline UniqueFd make_archive(const std::filesystem::path& file, const std::vector<ArchiveEntry>& entries) {
    std::string tar;
    for (const ArchiveEntry& entry : entries) {
        if (entry.path.size() > 100) { // as GNU tar has it
            tar += tar_record({"././@LongLink", entry.path + '\0', 'L'});
        }
        tar += tar_record(entry);
    }
    tar += std::string(1024, '\0');
    gzFile_s* out = ::gzopen(file.c_str(), "wb");
    EXPECT_EQ(::gzwrite(out, tar.data(), static_cast<unsigned>(tar.size())), static_cast<int>(tar.size()));
    EXPECT_EQ(::gzclose(out), Z_OK);
    return UniqueFd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
}

} // namespace hearth::testing
