#include "cli/chat/prompt_collector.hpp"

#include <utility>

namespace hearth::cli {
namespace {

constexpr std::string_view fence = "\"\"\"";

/// Where the text between fences begins; npos when nothing opens one.
std::size_t inside_fence(std::string_view typed) {
    if (typed.starts_with(fence)) {
        return fence.size();
    }
    const std::size_t found = typed.starts_with('/') ? typed.find(" \"\"\"") : std::string_view::npos;
    return found == std::string_view::npos ? found : found + 1 + fence.size();
}

/// What stands between the fences; nothing while the second is missing.
std::optional<std::string> fenced_text(std::string_view typed, std::size_t begin) {
    std::string_view inside = typed.substr(begin);
    inside = inside.substr(0, inside.find_last_not_of(" \t\n") + 1);
    if (!inside.ends_with(fence)) {
        return std::nullopt;
    }
    inside.remove_suffix(fence.size());
    inside.remove_prefix(inside.starts_with('\n') ? 1 : 0);
    inside.remove_suffix(inside.ends_with('\n') ? 1 : 0);
    return std::string(typed.substr(0, begin - fence.size())).append(inside);
}

/// The lines without the `\` that joins them.
std::string without_joints(std::string_view typed) {
    std::string text;
    for (std::size_t i = 0; i < typed.size(); ++i) {
        const bool joint = typed[i] == '\\' && i + 1 < typed.size() && typed[i + 1] == '\n';
        text += joint ? '\n' : typed[i];
        i += joint ? 1 : 0;
    }
    return text;
}

bool asks(const std::string& typed, std::string_view question) {
    const std::optional<Prompt> prompt = PromptCollector().take(typed);
    return prompt && prompt->text == question && !typed.starts_with('/');
}

} // namespace

std::optional<Prompt> PromptCollector::take(std::string_view line) {
    typed_.append(open_ ? "\n" : "").append(line);
    open_ = true;
    const std::size_t begin = inside_fence(typed_);
    std::optional<std::string> text;
    if (begin != std::string_view::npos) {
        text = fenced_text(typed_, begin);
    } else if (!typed_.ends_with('\\')) {
        text = without_joints(typed_);
    }
    if (!text) {
        return std::nullopt;
    }
    open_ = false;
    return Prompt{std::move(*text), std::exchange(typed_, {})};
}

void PromptCollector::reset() noexcept {
    typed_.clear();
    open_ = false;
}

std::optional<std::string> as_typed_again(const std::string& typed, std::string_view question) {
    if (asks(typed, question)) {
        return typed;
    }
    const std::string fenced = std::string(fence).append("\n").append(question).append("\n").append(fence);
    return asks(fenced, question) ? std::optional(fenced) : std::nullopt;
}

} // namespace hearth::cli
