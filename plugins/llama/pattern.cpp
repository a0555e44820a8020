#include "plugins/llama/pattern.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace hearth::llama {

namespace {

/// Characters of a JSON string that stand for themselves.
constexpr std::string_view any_plain = R"([^"\\\x00-\x1F\x7F])";
constexpr int deepest = 20;
/// The engine multiplies nested counts and gives up at 2000.
constexpr std::uint64_t most_repeated = 1000;

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument(why);
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// What a letter after a backslash means inside a class; empty: the character itself.
std::string_view class_of(char letter) {
    switch (letter) {
    case 'd':
        return "0-9";
    case 'w':
        return "A-Za-z0-9_";
    case 's':
        return " ";
    default:
        return "";
    }
}

class Translation {
  public:
    explicit Translation(std::string_view source) : source_(source) {}

    std::string run() {
        const bool at_start = source_.starts_with('^');
        const bool at_end = ends_with_anchor();
        source_.remove_prefix(at_start ? 1 : 0);
        source_.remove_suffix(at_end ? 1 : 0);
        const std::string inner = alternatives(0);
        if (at_ < source_.size()) {
            refuse("it has a \")\" too many");
        }
        const std::string any = std::string(any_plain) + "*";
        return "^" + (at_start ? "" : any) + "(" + inner + ")" + (at_end ? "" : any) + "$";
    }

  private:
    bool ends_with_anchor() const {
        std::size_t slashes = 0;
        while (slashes + 2 <= source_.size() && source_[source_.size() - 2 - slashes] == '\\') {
            ++slashes;
        }
        return source_.ends_with('$') && slashes % 2 == 0;
    }

    /// Until the end or the group's ")".
    std::string alternatives(int depth) {
        if (depth > deepest) {
            refuse("its groups are nested too deeply");
        }
        std::string result;
        while (at_ < source_.size() && source_[at_] != ')') {
            if (source_[at_] == '|') {
                ++at_;
                result += '|';
                continue;
            }
            bool may_repeat = true;
            result += atom(depth, may_repeat);
            result += repetition(may_repeat);
        }
        if (result.empty() || result.front() == '|' || result.back() == '|' ||
            result.find("||") != std::string::npos) {
            refuse("it has an empty part");
        }
        return result;
    }

    std::string atom(int depth, bool& may_repeat) {
        const char c = source_[at_++];
        switch (c) {
        case '.':
            return std::string(any_plain);
        case '(':
            return group(depth);
        case '[':
            return character_class();
        case '\\':
            return escape();
        case '^':
        case '$':
            refuse("it has an anchor in the middle");
        case '*':
        case '+':
        case '?':
        case '{':
        case '}':
        case ']':
            refuse(std::string("it has a \"") + c + "\" that stands alone");
        default:
            break;
        }
        if (c == '"' || static_cast<unsigned char>(c) < 0x20) {
            refuse("it asks for a character that JSON must escape");
        }
        may_repeat = static_cast<unsigned char>(c) < 0x80; // the engine would repeat the last byte alone
        return std::string(1, c);
    }

    std::string group(int depth) {
        if (source_.substr(at_).starts_with("?:")) {
            at_ += 2;
        } else if (source_.substr(at_).starts_with("?")) {
            refuse("it has a group with a question mark other than (?:");
        }
        const std::uint64_t outside = repeated_;
        const std::string inner = alternatives(depth + 1);
        if (at_ >= source_.size()) {
            refuse("a group is not closed");
        }
        ++at_;
        inner_ = std::max(outside, repeated_);
        return "(" + inner + ")";
    }

    /// Outside a class. As a class of one, because the engine repeats all of a text that ends in an escape.
    std::string escape() {
        if (at_ >= source_.size()) {
            refuse("it ends in a backslash");
        }
        const char letter = source_[at_++];
        if (const std::string_view set = class_of(letter); !set.empty()) {
            return "[" + std::string(set) + "]";
        }
        return "[" + plain_escape(letter) + "]";
    }

    /// A punctuation mark as it stands in a class.
    static std::string plain_escape(char letter) {
        constexpr std::string_view plain = ".$()|{}*+?/-,:;@#%&=!<>_ '~`";
        if (plain.find(letter) != std::string_view::npos) {
            return letter == '-' ? "\\-" : std::string(1, letter);
        }
        if (letter == '[' || letter == ']') {
            return std::string("\\") + letter;
        }
        refuse(std::string("\\") + letter + " is not supported in it");
    }

    std::string character_class() {
        const bool negated = at_ < source_.size() && source_[at_] == '^';
        at_ += negated ? 1 : 0;
        std::string inner;
        while (at_ < source_.size() && source_[at_] != ']') {
            inner += class_member();
        }
        if (at_ >= source_.size() || inner.empty()) {
            refuse("a class of characters is empty or not closed");
        }
        ++at_;
        return (negated ? R"([^"\\\x00-\x1F\x7F)" : "[") + inner + "]";
    }

    std::string class_member() {
        const char c = source_[at_++];
        if (c == '\\') {
            if (at_ >= source_.size()) {
                refuse("it ends in a backslash");
            }
            const char letter = source_[at_++];
            const std::string_view set = class_of(letter);
            if (at_ + 1 < source_.size() && source_[at_] == '-' && source_[at_ + 1] != ']') {
                refuse("it has a range that begins with an escape");
            }
            return set.empty() ? plain_escape(letter) : std::string(set);
        }
        if (c == '[' && at_ < source_.size() && source_[at_] == ':') {
            refuse("named classes are not supported");
        }
        if (c == '"' || static_cast<unsigned char>(c) < 0x20) {
            refuse("it asks for a character that JSON must escape");
        }
        const bool range = at_ + 1 < source_.size() && source_[at_] == '-' && source_[at_ + 1] != ']';
        if (range) {
            check_range(c, source_[at_ + 1]);
        }
        return std::string(c == '[' ? "\\" : "") + c;
    }

    /// The range must not hold a quote, a backslash or a control character.
    static void check_range(char from, char to) {
        const auto low = static_cast<unsigned char>(from);
        const auto high = static_cast<unsigned char>(to);
        if (to == '\\' || low >= 0x80 || high >= 0x80) {
            refuse("it has a range of characters that is not supported");
        }
        if (low > high || (low <= '"' && high >= '"') || (low <= '\\' && high >= '\\')) {
            refuse("it has a range that holds a quote or a backslash, or runs backwards");
        }
    }

    std::uint64_t number() {
        std::uint64_t value = 0;
        const std::size_t begin = at_;
        while (at_ < source_.size() && is_digit(source_[at_]) && at_ - begin < 7) {
            value = value * 10 + static_cast<std::uint64_t>(source_[at_++] - '0');
        }
        if (at_ == begin) {
            refuse("a count in braces is missing");
        }
        return value;
    }

    /// The quantifier after an atom, if any.
    std::string repetition(bool may_repeat) {
        const std::uint64_t inside = std::max<std::uint64_t>(inner_, 1);
        inner_ = 1;
        const char c = at_ < source_.size() ? source_[at_] : '\0';
        if (c != '*' && c != '+' && c != '?' && c != '{') {
            repeated_ = std::max(repeated_, inside);
            return "";
        }
        ++at_;
        if (!may_repeat) {
            refuse("it repeats a letter outside ASCII");
        }
        std::string text(1, c);
        std::uint64_t most = 1;
        if (c == '{') {
            const std::size_t begin = at_;
            const std::uint64_t least = most = number();
            if (at_ < source_.size() && source_[at_] == ',') {
                ++at_;
                most = at_ < source_.size() && source_[at_] == '}' ? std::max<std::uint64_t>(least, 1)
                                                                   : number();
            }
            if (at_ >= source_.size() || source_[at_] != '}' || most < least || most == 0) {
                refuse("its counts in braces make no sense");
            }
            text += std::string(source_.substr(begin, ++at_ - begin));
        }
        if (at_ < source_.size() && std::string_view("*+?{").find(source_[at_]) != std::string_view::npos) {
            refuse("it has two quantifiers in a row");
        }
        repeated_ = std::max(repeated_, most * inside);
        if (repeated_ > most_repeated) {
            refuse("it repeats a part more than 1000 times");
        }
        return text;
    }

    std::string_view source_;
    std::size_t at_ = 0;
    std::uint64_t repeated_ = 1; ///< largest product of nested counts so far
    std::uint64_t inner_ = 1;    ///< of the group that has just ended
};

} // namespace

std::string grammar_pattern(std::string_view pattern) {
    return Translation(pattern).run();
}

} // namespace hearth::llama
