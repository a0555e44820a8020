#pragma once

namespace hearth::runtime {

/// Bytes per second that `threads` threads read from memory together: each the ninth decile of many short slices
/// of 256 MiB, more than caches keep. Takes about half a second. 0 when the memory cannot be had.
double measure_read_bandwidth(int threads);

} // namespace hearth::runtime
