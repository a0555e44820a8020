#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace hearth::cli {

/// A file that goes with a question: a text becomes part of it, a picture goes beside it.
struct Attachment {
    std::string name;      ///< last part of its path, which the model is told
    std::string text;      ///< of a text file
    std::string image;     ///< base64; empty for a text
    std::size_t bytes = 0; ///< of the file

    bool is_image() const noexcept { return !image.empty(); }
};

/// Reads a file; its bytes say what it is, not its name.
/// @throws Error  usage: no such file, a folder, or neither text in UTF-8 nor a picture; too_large above 32 MiB
Attachment read_attachment(const std::filesystem::path& path);
/// All of them, in order. @throws Error  as above, for the first that cannot be
std::vector<Attachment> read_attachments(const std::vector<std::string>& paths);

/// The question, then each text under its name, fenced.
std::string with_texts(std::string question, const std::vector<Attachment>& attachments);
/// The pictures, in order, as base64.
std::vector<std::string> images_of(const std::vector<Attachment>& attachments);

} // namespace hearth::cli
