#include "runtime/host/bandwidth.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

namespace hearth::runtime {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t block_bytes = 256u << 20;
constexpr std::size_t slice_bytes = 8u << 20; ///< about a millisecond of one thread
constexpr std::chrono::milliseconds enough{300};

/// Anonymous pages, gone with the object.
class Block {
  public:
    explicit Block(std::size_t bytes)
        : address_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
          bytes_(bytes) {
        if (address_ != MAP_FAILED) {
            ::madvise(address_, bytes, MADV_HUGEPAGE); // as large weights are read; a refusal costs little
        }
    }
    ~Block() {
        if (address_ != MAP_FAILED) {
            ::munmap(address_, bytes_);
        }
    }
    Block(const Block&) = delete;

    explicit operator bool() const noexcept { return address_ != MAP_FAILED; }
    std::span<std::uint64_t> words() const noexcept {
        return {static_cast<std::uint64_t*>(address_), bytes_ / sizeof(std::uint64_t)};
    }

  private:
    void* address_;
    std::size_t bytes_;
};

/// Eight sums at once: enough loads in flight to wait for memory and for nothing else.
std::uint64_t read_all(std::span<const std::uint64_t> words) {
    std::uint64_t sums[8] = {};
    for (std::size_t at = 0; at + 8 <= words.size(); at += 8) {
        for (std::size_t lane = 0; lane < 8; ++lane) {
            sums[lane] += words[at + lane];
        }
    }
    std::uint64_t sum = 0;
    for (const std::uint64_t lane : sums) {
        sum += lane;
    }
    return sum;
}

/// The ninth decile of the slices that one thread reads in its part: other programs only ever slow one down, and
/// the fastest may have run while another thread stood still.
double read_part(std::span<std::uint64_t> part) {
    std::memset(part.data(), 1, part.size_bytes()); // pages of its own, near its core
    const std::size_t length = std::min(part.size(), slice_bytes / sizeof(std::uint64_t));
    std::vector<double> rates;
    volatile std::uint64_t kept = 0; // so that the reads happen
    const auto began = Steady::now();
    std::size_t at = 0;
    do {
        const auto start = Steady::now();
        kept = kept + read_all(part.subspan(at, length));
        const std::chrono::duration<double> took = Steady::now() - start;
        rates.push_back(static_cast<double>(length * sizeof(std::uint64_t)) / std::max(took.count(), 1e-9));
        at = at + 2 * length <= part.size() ? at + length : 0;
    } while (Steady::now() - began < enough);
    const auto good = rates.begin() + static_cast<std::ptrdiff_t>(rates.size() * 9 / 10);
    std::ranges::nth_element(rates, good);
    return *good;
}

} // namespace

double measure_read_bandwidth(int threads) {
    const Block block(block_bytes);
    if (!block) {
        return 0;
    }
    std::vector<double> rates(static_cast<std::size_t>(threads));
    const std::size_t share = block.words().size() / rates.size();
    {
        std::vector<std::jthread> readers;
        readers.reserve(rates.size());
        for (std::size_t number = 0; number < rates.size(); ++number) {
            readers.emplace_back([&rates, number, part = block.words().subspan(share * number, share)] {
                rates[number] = read_part(part);
            });
        }
    }
    return std::accumulate(rates.begin(), rates.end(), 0.0);
}

} // namespace hearth::runtime
