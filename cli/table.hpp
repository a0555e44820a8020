#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace hearth::cli {

using TableRow = std::vector<std::string>;

/// Rows under their header, as text. Cells may come from outside: control characters are replaced.
/// @param width  columns of the terminal: cells are padded and the widest column is cut until a row fits;
///               nothing: for a program, cells separated by one tab
/// @param gap    columns between cells; 4 is what Ollama prints, wide tables need less
std::string format_table(const TableRow& header, const std::vector<TableRow>& rows,
                         std::optional<std::size_t> width, std::size_t gap = 4);

/// The width for `format_table`: of the terminal when stdout is one.
std::optional<std::size_t> table_width();

} // namespace hearth::cli
