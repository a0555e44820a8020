#include "plugins/llama/template_guard.hpp"

#include "plugins/llama/failure.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string>

namespace hearth::llama {

namespace {

constexpr std::size_t source_limit = 1 << 20;
constexpr int nesting_limit = 200;
constexpr int tag_token_limit = 2000;

struct Refusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] void refuse(const char* why) {
    throw Refusal(why);
}

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

/// +1 for a word that opens a block, -1 for one that ends a block. A `set` without `=` opens one.
int block_change(std::string_view word, bool assigns) {
    constexpr std::array<std::string_view, 6> opening = {"if",   "for",    "macro",
                                                         "call", "filter", "generation"};
    if (word.starts_with("end")) {
        return -1;
    }
    const bool opens = std::find(opening.begin(), opening.end(), word) != opening.end();
    return opens || (word == "set" && !assigns) ? 1 : 0;
}

/// Reads one tag's inside, up to its end mark.
class TagScan {
  public:
    TagScan(std::string_view source, std::size_t begin) : source_(source), at_(begin) {}

    /// @return the position behind `end`, or the end of the source
    std::size_t run(std::string_view end) {
        int depth = 0;
        while (at_ < source_.size()) {
            const char c = source_[at_];
            if (depth <= 0 && source_.substr(at_).starts_with(end)) {
                return at_ + end.size();
            }
            if (++tokens_ > tag_token_limit) {
                refuse("one of its tags is too long");
            }
            if (c == '"' || c == '\'') {
                skip_string(c);
            } else if (is_word(c)) {
                take_word();
            } else {
                depth += c == '(' || c == '[' || c == '{' ? 1 : 0;
                depth -= c == ')' || c == ']' || c == '}' ? 1 : 0;
                tokens_ -= std::isspace(static_cast<unsigned char>(c)) ? 1 : 0;
                assigns_ = assigns_ || c == '=';
                ++at_;
            }
            if (depth > nesting_limit) {
                refuse("it is nested too deeply");
            }
        }
        return at_;
    }

    std::string_view first_word() const { return first_word_; }
    bool assigns() const { return assigns_; }

  private:
    void skip_string(char quote) {
        for (++at_; at_ < source_.size() && source_[at_] != quote; ++at_) {
            at_ += source_[at_] == '\\' ? 1 : 0;
        }
        at_ = std::min(at_ + 1, source_.size());
    }

    void take_word() {
        const std::size_t begin = at_;
        while (at_ < source_.size() && is_word(source_[at_])) {
            ++at_;
        }
        if (first_word_.empty()) {
            first_word_ = source_.substr(begin, at_ - begin);
        }
    }

    std::string_view source_;
    std::size_t at_;
    int tokens_ = 0;
    bool assigns_ = false;
    std::string_view first_word_;
};

void scan(std::string_view source) {
    if (source.size() > source_limit) {
        refuse("it is longer than 1 MiB");
    }
    int depth = 0;    // blocks
    int branches = 0; // the engine's tree nests an elif in the branch before it
    std::size_t at = 0;
    while ((at = source.find('{', at)) != std::string_view::npos && at + 1 < source.size()) {
        const char kind = source[at + 1];
        if (kind == '#') {
            at = source.find("#}", at + 2);
            at = at == std::string_view::npos ? source.size() : at + 2;
        } else if (kind == '{') {
            at = TagScan(source, at + 2).run("}}");
        } else if (kind == '%') {
            TagScan tag(source, at + 2);
            at = tag.run("%}");
            depth = std::max(0, depth + block_change(tag.first_word(), tag.assigns()));
            branches = depth == 0 ? 0 : branches + (tag.first_word() == "elif" ? 1 : 0);
            if (depth + branches > nesting_limit) {
                refuse("its blocks are nested too deeply");
            }
        } else {
            ++at;
        }
    }
}

} // namespace

void check_chat_template(std::string_view source, hearth_status status) {
    try {
        scan(source);
    } catch (const Refusal& refusal) {
        throw Failure(status, std::string("the chat template is refused: ") + refusal.what());
    }
}

} // namespace hearth::llama
