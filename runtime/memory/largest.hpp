#pragma once

/// Searching sizes by halving the interval.
namespace hearth::runtime::memory {

/// The largest number in [low, high] that `holds`, which holds for all below it too; low − 1 when none does. The last
/// call that held was with the answer.
template <class Number, class Holds> Number largest(Number low, Number high, const Holds& holds) {
    --low;
    while (low < high) {
        const Number middle = low + (high - low + 1) / 2;
        if (holds(middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

} // namespace hearth::runtime::memory
