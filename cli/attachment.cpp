#include "cli/attachment.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t max_file_bytes = 32u << 20; // the service takes 64 MiB, and base64 is a third longer
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// The formats that the backends read.
bool is_picture(std::string_view bytes) {
    constexpr std::array<std::string_view, 4> magics{"\x89PNG\r\n\x1a\n", "\xFF\xD8\xFF", "GIF87a", "GIF89a"};
    constexpr std::string_view zeros("\0\0\0\0", 4);
    const auto begins = [bytes](std::string_view magic) { return bytes.starts_with(magic); };
    const bool webp = begins("RIFF") && bytes.size() > 12 && bytes.substr(8, 4) == "WEBP";
    // "BM" alone begins many a text: the four bytes that are always zero tell a picture.
    const bool bitmap = begins("BM") && bytes.size() > 26 && bytes.substr(6, 4) == zeros;
    return webp || bitmap || std::ranges::any_of(magics, begins);
}

std::string to_base64(std::string_view bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string result;
    result.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            result += i <= count ? alphabet[group >> (18 - 6 * i) & 63u] : '=';
        }
    }
    return result;
}

void check_kind(const fs::path& path) {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (status.type() == fs::file_type::not_found) {
        throw Error(ErrorCode::usage, "there is no file " + path.string());
    }
    if (status.type() == fs::file_type::directory) {
        throw Error(ErrorCode::usage, path.string() + " is a folder", "name the files in it");
    }
}

/// Longer than every run of backticks in the text, so that none of them ends it.
std::string fence_for(std::string_view text) {
    std::size_t longest = 2;
    std::size_t run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return std::string(longest + 1, '`');
}

} // namespace

Attachment read_attachment(const fs::path& path) {
    check_kind(path);
    std::string bytes = read_file(path, max_file_bytes);
    Attachment attachment;
    attachment.name = printable_line(path.filename().string());
    attachment.bytes = bytes.size();
    if (is_picture(bytes)) {
        attachment.image = to_base64(bytes);
        return attachment;
    }
    if (!is_text(bytes)) {
        throw Error(ErrorCode::usage, path.string() + " is neither a text nor a picture",
                    "text in UTF-8, or PNG, JPEG, GIF, WebP or BMP");
    }
    attachment.text =
        bytes.starts_with(byte_order_mark) ? bytes.substr(byte_order_mark.size()) : std::move(bytes);
    return attachment;
}

std::vector<Attachment> read_attachments(const std::vector<std::string>& paths) {
    std::vector<Attachment> attachments;
    attachments.reserve(paths.size());
    for (const std::string& path : paths) {
        attachments.push_back(read_attachment(path));
    }
    return attachments;
}

std::string with_texts(std::string question, const std::vector<Attachment>& attachments) {
    for (const Attachment& attachment : attachments) {
        if (attachment.is_image()) {
            continue;
        }
        const std::string fence = fence_for(attachment.text);
        question +=
            (question.empty() ? "" : "\n\n") + attachment.name + ":\n" + fence + "\n" + attachment.text;
        question += (attachment.text.ends_with('\n') ? "" : "\n") + fence;
    }
    return question;
}

std::vector<std::string> images_of(const std::vector<Attachment>& attachments) {
    std::vector<std::string> images;
    for (const Attachment& attachment : attachments) {
        if (attachment.is_image()) {
            images.push_back(attachment.image);
        }
    }
    return images;
}

} // namespace hearth::cli
