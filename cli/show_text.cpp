#include "cli/show_text.hpp"

#include "base/config.hpp"
#include "cli/model_row.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::cli {
namespace {

std::string scalar_text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : to_text(value);
}

/// Two columns, empty values left out.
class Summary {
  public:
    void section(const std::string& title) { text_ += (text_.empty() ? "" : "\n") + title + "\n"; }
    void row(const std::string& name, const std::string& value) {
        if (!value.empty()) {
            text_ += fmt::format("  {:<18}{}\n", name, elide(printable_line(value), 200));
        }
    }
    void line(const std::string& value) { text_ += "  " + elide(printable_line(value), 200) + "\n"; }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

/// "1.1B", "494M" from a number of parameters.
std::string parameter_count(double count) {
    if (count >= 1e9) {
        return fmt::format("{:.1f}B", count / 1e9);
    }
    return count >= 1e6 ? fmt::format("{:.0f}M", count / 1e6) : fmt::format("{:.0f}K", count / 1e3);
}

std::string info_text(const Json& info, const std::string& key) {
    const auto member = info.find(key);
    return member == info.end() || member->is_null() ? std::string() : scalar_text(*member);
}

void add_model(Summary& summary, const Json& answer, const Json& info) {
    const Json details = answer.value("details", Json::object());
    const std::string architecture = info_text(info, "general.architecture");
    std::string parameters = member_text(details, "parameter_size");
    if (parameters.empty()) {
        const auto count = get_number(info, "general.parameter_count");
        parameters = count ? parameter_count(*count) : "";
    }
    summary.section("Model");
    summary.row("architecture", architecture.empty() ? member_text(details, "family") : architecture);
    summary.row("parameters", parameters);
    summary.row("context length", info_text(info, architecture + ".context_length"));
    summary.row("embedding length", info_text(info, architecture + ".embedding_length"));
    summary.row("quantization", member_text(details, "quantization_level"));
    summary.row("format", member_text(details, "format"));
    summary.row("chat template", member_text(answer, "template").empty() ? "no" : "yes");
    summary.row("modified", member_text(answer, "modified_at"));
}

void add_list(Summary& summary, const Json& answer, const char* key, const std::string& title) {
    const auto list = answer.find(key);
    if (list == answer.end() || !list->is_array() || list->empty()) {
        return;
    }
    summary.section(title);
    for (const Json& entry : *list) {
        summary.line(scalar_text(entry));
    }
}

void add_files(Summary& summary, const Json& answer) {
    const auto files = answer.find("files");
    if (files == answer.end() || !files->is_array() || files->empty()) {
        return;
    }
    summary.section("Files");
    for (const Json& file : *files) {
        if (file.is_object()) {
            summary.row(member_text(file, "role"),
                        fmt::format("{}  {}", short_id(file), size_of(file, true)));
        }
    }
}

void add_lines(Summary& summary, const std::string& title, const std::string& text, std::size_t limit) {
    if (text.empty()) {
        return;
    }
    summary.section(title);
    std::size_t begin = 0;
    for (std::size_t line = 0; line < limit && begin < text.size(); ++line) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        summary.line(text.substr(begin, end - begin));
        begin = end + 1;
    }
}

} // namespace

std::string member_text(const Json& answer, const char* key) {
    const auto member = answer.is_object() ? answer.find(key) : answer.end();
    if (member == answer.end() || member->is_null()) {
        return {};
    }
    if (!member->is_array()) {
        return scalar_text(*member);
    }
    std::string text;
    for (const Json& entry : *member) {
        text.append(text.empty() ? "" : "\n\n").append(scalar_text(entry));
    }
    return text;
}

std::string describe_model(const Json& answer, bool verbose) {
    const Json info = answer.is_object() ? answer.value("model_info", Json::object()) : Json::object();
    Summary summary;
    add_model(summary, answer, info);
    add_list(summary, answer, "capabilities", "Capabilities");
    add_files(summary, answer);
    add_lines(summary, "Parameters", member_text(answer, "parameters"), 50);
    add_lines(summary, "System", member_text(answer, "system"), 2);
    add_lines(summary, "License", member_text(answer, "license"), 1);
    if (verbose && info.is_object()) {
        summary.section("Metadata");
        for (const auto& [key, value] : info.items()) {
            summary.row(key, scalar_text(value));
        }
    }
    return summary.take();
}

} // namespace hearth::cli
