#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <ctime>
#include <functional>

namespace hearth::registry::gguf {
namespace {

using testing::GgufWriter;

/// Names of 16 bytes that all have one hash: libstdc++'s hash of bytes takes eight at a time and can be undone, so
/// the second half is chosen to cancel the first.
class CollidingNames {
  public:
    std::string next() {
        const std::uint64_t first = ++count_;
        const std::uint64_t state = (begin ^ mixed(first)) * factor;
        return bytes_of(first) + bytes_of(unmixed(state));
    }

  private:
    static constexpr std::uint64_t factor = 0xc6a4a7935bd1e995;
    static constexpr std::uint64_t begin = 0xc70f6907 ^ (16 * factor);

    static constexpr std::uint64_t inverse() {
        std::uint64_t number = factor; // right in the lowest three bits; each step doubles them
        for (int i = 0; i < 5; ++i)
            number *= 2 - factor * number;
        return number;
    }
    static std::uint64_t folded(std::uint64_t word) { return word ^ (word >> 47); } // its own inverse
    static std::uint64_t mixed(std::uint64_t word) { return folded(word * factor) * factor; }
    static std::uint64_t unmixed(std::uint64_t word) { return folded(word * inverse()) * inverse(); }
    static std::string bytes_of(std::uint64_t word) {
        std::string bytes(sizeof word, '\0');
        std::memcpy(bytes.data(), &word, sizeof word);
        return bytes;
    }

    std::uint64_t count_ = 0;
};

double seconds_of_work(const std::function<void()>& work) {
    const auto now = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    };
    const double begin = now();
    work();
    return now() - begin;
}

TEST(GgufLimits, NamesMadeToCollideCostNoMoreThanOthers) {
    CollidingNames names;
    GgufWriter gguf;
    for (std::uint64_t i = 0; i < limits::tensors; ++i)
        gguf.raw_tensor(names.next(), {32}, 0, i * 128, 128);
    CollidingNames again;
    const std::hash<std::string_view> hash;
    ASSERT_EQ(hash(again.next()), hash(again.next())); // else this test shows nothing
    const std::string bytes = gguf.bytes();
    std::size_t tensors = 0;
    const double seconds =
        seconds_of_work([&] { tensors = parse_header(PrefixSource(bytes)).tensors.size(); });
    EXPECT_EQ(tensors, limits::tensors);
    EXPECT_LT(seconds, 2.0); // a hash set takes more than ten
}

TEST(GgufLimits, TakesAsManyKeysAndTensorsAsAllowedAndNotOneMore) {
    const auto with_keys = [](std::uint64_t count) {
        GgufWriter gguf;
        for (std::uint64_t i = 0; i < count; ++i)
            gguf.u32("k" + std::to_string(i), static_cast<std::uint32_t>(i));
        return gguf.bytes();
    };
    const Header header = parse_header(PrefixSource(with_keys(limits::keys)));
    EXPECT_EQ(header.integer("k0"), 0);
    EXPECT_EQ(header.integer("k4095"), 4095);
    EXPECT_EQ(header.integer("k4096"), std::nullopt);
    EXPECT_THROW(parse_header(PrefixSource(with_keys(limits::keys + 1))), Error);
    GgufWriter many;
    for (std::uint64_t i = 0; i <= limits::tensors; ++i)
        many.raw_tensor("t" + std::to_string(i), {1}, 24, i * 32, 32);
    EXPECT_THROW(parse_header(PrefixSource(many.bytes())), Error);
}

TEST(GgufLimits, ReservesNothingForWhatIsNotThereYet) {
    // A head that claims as much as it may, of a file that is said to be large: only the head is there.
    const std::string head =
        GgufWriter().tensor_count(limits::tensors).key_count(limits::keys).bytes().substr(0, 24);
    const auto header = try_parse_header(PrefixSource(head, std::uint64_t{1} << 40));
    ASSERT_FALSE(header);
    const HeaderPrefix prefix = parse_header_prefix(PrefixSource(head, std::uint64_t{1} << 40));
    EXPECT_LE(prefix.header.keys.capacity(), 1U);
    EXPECT_EQ(prefix.header.tensors.capacity(), 0U);
}

} // namespace
} // namespace hearth::registry::gguf
