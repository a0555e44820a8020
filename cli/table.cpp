#include "cli/table.hpp"

#include "cli/terminal.hpp"

#include <algorithm>
#include <numeric>
#include <unistd.h>

namespace hearth::cli {
namespace {

std::vector<std::size_t> column_widths(const std::vector<TableRow>& lines, std::size_t width,
                                       std::size_t gap) {
    std::vector<std::size_t> widths(lines.front().size());
    for (const TableRow& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(line[i]));
        }
    }
    const std::size_t gaps = gap * (widths.size() - 1);
    while (std::accumulate(widths.begin(), widths.end(), gaps) > width) {
        const auto widest = std::max_element(widths.begin(), widths.end());
        if (*widest <= 8) {
            break; // below this a name says nothing; let the terminal wrap
        }
        --*widest;
    }
    return widths;
}

std::string join(const TableRow& line) {
    std::string text;
    for (const std::string& cell : line) {
        text.append(text.empty() ? "" : "\t").append(cell);
    }
    return text;
}

std::string pad(const TableRow& line, const std::vector<std::size_t>& widths, std::size_t gap) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const std::string cell = elide(line[i], widths[i]);
        text += cell;
        if (i + 1 < line.size()) {
            text.append(widths[i] - display_width(cell) + gap, ' ');
        }
    }
    return text;
}

} // namespace

std::string format_table(const TableRow& header, const std::vector<TableRow>& rows,
                         std::optional<std::size_t> width, std::size_t gap) {
    std::vector<TableRow> lines{header};
    lines.insert(lines.end(), rows.begin(), rows.end());
    for (TableRow& line : lines) {
        line.resize(header.size());
        std::transform(line.begin(), line.end(), line.begin(), printable_line);
    }
    const std::vector<std::size_t> widths =
        width ? column_widths(lines, *width, gap) : std::vector<std::size_t>();
    std::string text;
    for (const TableRow& line : lines) {
        text.append(width ? pad(line, widths, gap) : join(line)).append("\n");
    }
    return text;
}

std::optional<std::size_t> table_width() {
    if (!is_terminal(STDOUT_FILENO)) {
        return std::nullopt;
    }
    return terminal_width(STDOUT_FILENO);
}

} // namespace hearth::cli
