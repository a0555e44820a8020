#pragma once

#include "base/digest.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::registry {

/// "The first `end` bytes hash to `prefix`." The hash is the running one of the download, so that writing a
/// record costs nothing and checking it costs nothing beyond the hashing that a resume needs anyway.
struct JournalRecord {
    std::uint64_t end = 0;
    Digest prefix;
};

/// What a journal says.
struct JournalText {
    std::string boot;                   ///< boot id of the last writer, may be empty
    std::vector<JournalRecord> records; ///< ends strictly rising
};

/// Reads up to the first line that is not whole or not right: a torn tail is normal. Never throws but for
/// memory.
JournalText parse_journal(std::string_view text);

/// The file beside a partial download. It is never trusted: its records are checked against the bytes they
/// speak of. Owned by one PartialBlob; blocking.
class Journal {
  public:
    static constexpr std::uint64_t record_bytes = std::uint64_t{8} << 20;

    explicit Journal(std::filesystem::path path) : path_(std::move(path)) {}

    /// What is in the file; empty when there is none.
    JournalText read() const;
    /// Replaces the file by the header, this boot's id and `records`. Atomic and durable when there are
    /// records.
    void start(const std::vector<JournalRecord>& records);
    void append(const JournalRecord& record);
    void make_durable();
    void remove() noexcept;

    /// Id of this run of the kernel: while it is the same, what was written is in the page cache even if the
    /// writer was killed.
    static std::string current_boot();

  private:
    std::filesystem::path path_;
    UniqueFd fd_;
};

} // namespace hearth::registry
