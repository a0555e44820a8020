#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>

/// The kinds of bad file that llama.cpp tests its own parser with, each by what it breaks, and with what our user
/// reads. Seeds of the same kinds: tests/fuzz/make_gguf_seeds.py.
namespace hearth::registry::gguf {
namespace {

using testing::expect_error;
using testing::GgufWriter;
using testing::little_endian;

struct BadFile {
    const char* kind;
    std::function<std::string()> bytes;
    const char* error;
};

void PrintTo(const BadFile& file, std::ostream* out) {
    *out << file.kind;
}

GgufWriter with_tensor(std::uint32_t type, const std::vector<std::uint64_t>& dims, std::uint64_t offset,
                       std::uint64_t data_bytes) {
    return GgufWriter().raw_tensor("t", dims, type, offset, data_bytes);
}

/// One key whose value is an array with this head, and no elements.
std::string array_of(std::uint32_t type, std::uint64_t count) {
    return GgufWriter().raw_value("k", 9, little_endian(type, 4) + little_endian(count, 8)).bytes();
}

class GgufBadFile : public ::testing::TestWithParam<BadFile> {};

TEST_P(GgufBadFile, IsRefusedWithItsOwnWords) {
    const std::string bytes = GetParam().bytes();
    EXPECT_EQ(expect_error(ErrorCode::model_invalid, [&] { parse_header(PrefixSource(bytes)); }),
              GetParam().error);
    // Nor does it pass while a part of it is there, or when all arrays are kept.
    expect_error(ErrorCode::model_invalid,
                 [&] { parse_header(PrefixSource(bytes), {.keep_long_arrays = true}); });
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        try {
            const auto header =
                try_parse_header(PrefixSource(std::string_view(bytes).substr(0, length), bytes.size()));
            EXPECT_FALSE(header.has_value()) << length;
        } catch (const Error& error) {
            EXPECT_EQ(code_name(error.code()), code_name(ErrorCode::model_invalid));
        }
    }
}

constexpr std::uint32_t f32 = 0;
constexpr std::uint32_t q4_k = 12;
constexpr std::uint32_t i8 = 24;
constexpr std::uint32_t f64 = 28;

const BadFile head_kinds[] = {
    {"magic", [] { return GgufWriter().magic("GGMF").bytes(); },
     "not a GGUF file: it does not start with 'GGUF'"},
    {"too_short", [] { return std::string("GGUF"); }, "not a GGUF file: 4 bytes are too few"},
    {"version_0", [] { return GgufWriter().version(0).bytes(); }, "GGUF version 0 is too old"},
    {"version_1", [] { return GgufWriter().version(1).bytes(); }, "GGUF version 1 is too old"},
    {"version_of_the_future", [] { return GgufWriter().version(4).bytes(); },
     "GGUF version 4 is newer than this Hearth reads (2 and 3)"},
    {"big_endian", [] { return GgufWriter().version(0x03000000).bytes(); },
     "a big-endian GGUF file: only little-endian ones can be used here"},
    {"tensor_count_negative", [] { return GgufWriter().tensor_count(~0ULL).bytes(); },
     "bad GGUF: 18446744073709551615 tensors do not fit in it (in the head, byte 24)"},
    {"tensor_count_too_large", [] { return GgufWriter().tensor_count(1ULL << 40).bytes(); },
     "bad GGUF: 1099511627776 tensors do not fit in it (in the head, byte 24)"},
    {"key_count_negative", [] { return GgufWriter().key_count(~0ULL).bytes(); },
     "bad GGUF: 18446744073709551615 keys do not fit in it (in the head, byte 24)"},
    {"key_count_too_large", [] { return GgufWriter().key_count(1ULL << 40).bytes(); },
     "bad GGUF: 1099511627776 keys do not fit in it (in the head, byte 24)"},
};

const BadFile key_kinds[] = {
    {"key_length_too_large",
     [] {
         return GgufWriter().key_count(1).bytes().substr(0, 24) + little_endian(1ULL << 40, 8) +
                std::string(8, 'k');
     },
     "bad GGUF: a key of 1099511627776 bytes, at most 256 are allowed (in key 1 of 1, byte 32)"},
    {"key_empty", [] { return GgufWriter().u32("", 1).bytes(); },
     "bad GGUF: the key is empty or holds odd characters (in key 1 of 1, byte 32)"},
    {"key_with_odd_characters", [] { return GgufWriter().u32("a/b", 1).bytes(); },
     "bad GGUF: the key is empty or holds odd characters (in key 1 of 1, byte 35)"},
    {"key_twice", [] { return GgufWriter().u32("k", 1).u32("k", 2).bytes(); },
     "bad GGUF: key 'k' is there twice"},
    {"value_type_unknown", [] { return GgufWriter().raw_value("k", 13, "12345678").bytes(); },
     "bad GGUF: value type 13 is unknown (in key 'k', byte 37)"},
    {"element_type_unknown", [] { return array_of(13, 0); },
     "bad GGUF: value type 13 is unknown (in key 'k', byte 41)"},
    {"array_of_arrays", [] { return array_of(9, 0); }, "bad GGUF: an array of arrays (in key 'k', byte 41)"},
    {"array_longer_than_any", [] { return array_of(4, 1ULL << 62); },
     "bad GGUF: an array of 4611686018427387904 elements, at most 4194304 are allowed (in key 'k', byte 49)"},
    {"array_longer_than_the_file", [] { return array_of(10, 1000); },
     "bad GGUF: truncated: 8000 bytes more are needed, the file has 15 left (in key 'k', byte 49)"},
    {"text_longer_than_any",
     [] { return GgufWriter().raw_value("k", 8, little_endian(1ULL << 63, 8)).bytes(); },
     "bad GGUF: a text of 9223372036854775808 bytes, at most 1048576 are allowed (in key 'k', byte 45)"},
    {"text_longer_than_the_file",
     [] { return GgufWriter().raw_value("k", 8, little_endian(1000, 8)).bytes(); },
     "bad GGUF: truncated: 1000 bytes more are needed, the file has 19 left (in key 'k', byte 45)"},
    {"alignment_zero", [] { return GgufWriter().u32("general.alignment", 0).bytes(); },
     "bad GGUF: the alignment is 0, no power of two up to 1 MiB"},
    {"alignment_no_power_of_two", [] { return GgufWriter().u32("general.alignment", 13).bytes(); },
     "bad GGUF: the alignment is 13, no power of two up to 1 MiB"},
    {"alignment_too_large", [] { return GgufWriter().u32("general.alignment", 1U << 31).bytes(); },
     "bad GGUF: the alignment is 2147483648, no power of two up to 1 MiB"},
    {"alignment_of_another_type", [] { return GgufWriter().u64("general.alignment", 32).bytes(); },
     "bad GGUF: the alignment is no 32-bit unsigned number (in key 'general.alignment', byte 53)"},
};

const BadFile tensor_kinds[] = {
    {"tensor_name_too_long", [] { return GgufWriter().tensor(std::string(64, 't'), {1}).bytes(); },
     "bad GGUF: a tensor name of 64 bytes, at most 63 are allowed (in tensor 1 of 1, byte 32)"},
    {"tensor_name_empty", [] { return GgufWriter().tensor("", {1}).bytes(); },
     "bad GGUF: a tensor without a name (in tensor 1 of 1, byte 32)"},
    {"tensor_twice", [] { return GgufWriter().tensor("t", {8}).tensor("t", {8}).bytes(); },
     "bad GGUF: tensor 't' is there twice"},
    {"no_dimensions", [] { return with_tensor(f32, {}, 0, 32).bytes(); },
     "bad GGUF: 0 dimensions, not 1 to 4 (in tensor 't', byte 37)"},
    {"too_many_dimensions", [] { return with_tensor(f32, {1, 1, 1, 1, 1}, 0, 32).bytes(); },
     "bad GGUF: 5 dimensions, not 1 to 4 (in tensor 't', byte 37)"},
    {"dimension_zero", [] { return with_tensor(f32, {4, 0}, 0, 32).bytes(); },
     "bad GGUF: a dimension below 1 (in tensor 't', byte 53)"},
    {"dimension_negative", [] { return with_tensor(f32, {~0ULL}, 0, 32).bytes(); },
     "bad GGUF: a dimension below 1 (in tensor 't', byte 45)"},
    {"elements_overflow", [] { return with_tensor(i8, {1ULL << 32, 1ULL << 32}, 0, 32).bytes(); },
     "bad GGUF: the number of elements overflows (in tensor 't', byte 53)"},
    {"elements_overflow_to_little", [] { return with_tensor(i8, {(1ULL << 62) + 1, 4}, 0, 32).bytes(); },
     "bad GGUF: the number of elements overflows (in tensor 't', byte 53)"},
    {"bytes_overflow", [] { return with_tensor(f64, {1ULL << 62}, 0, 32).bytes(); },
     "bad GGUF: the number of bytes overflows (in tensor 't', byte 49)"},
    {"tensor_type_unknown", [] { return with_tensor(43, {256}, 0, 32).bytes(); },
     "bad GGUF: tensor type 43 is unknown or was removed from the format (in tensor 't', byte 49)"},
    {"tensor_type_removed", [] { return with_tensor(4, {256}, 0, 32).bytes(); },
     "bad GGUF: tensor type 4 is unknown or was removed from the format (in tensor 't', byte 49)"},
    {"row_of_half_a_block", [] { return with_tensor(q4_k, {128}, 0, 96).bytes(); },
     "bad GGUF: a row of 128 elements is no whole number of Q4_K blocks (in tensor 't', byte 49)"},
};

const BadFile data_kinds[] = {
    {"offset_behind_a_hole", [] { return with_tensor(f32, {8}, 32, 64).bytes(); },
     "bad GGUF: tensor 't' starts at 32, not at 0"},
    {"offset_not_aligned",
     [] { return GgufWriter().tensor("a", {3}).raw_tensor("t", {8}, f32, 12, 32).bytes(); },
     "bad GGUF: tensor 't' starts at 12, not at 32"},
    {"offset_over_another",
     [] { return GgufWriter().tensor("a", {8}).raw_tensor("t", {8}, f32, 0, 32).bytes(); },
     "bad GGUF: tensor 't' starts at 0, not at 32"},
    {"offset_negative", [] { return with_tensor(f32, {8}, 1ULL << 63, 32).bytes(); },
     "bad GGUF: tensor 't' starts at 9223372036854775808, not at 0"},
    {"offset_of_another_alignment",
     [] {
         return GgufWriter()
             .u32("general.alignment", 64)
             .raw_tensor("a", {8}, f32, 0, 32)
             .raw_tensor("t", {8}, f32, 32, 32)
             .bytes();
     },
     "bad GGUF: tensor 't' starts at 32, not at 64"},
    {"data_missing", [] { return with_tensor(f32, {8}, 0, 0).bytes(); },
     "truncated GGUF: tensor 't' ends at byte 96, the file has 64: 32 bytes are missing"},
    {"data_one_byte_short", [] { return with_tensor(f32, {8}, 0, 31).bytes(); },
     "truncated GGUF: tensor 't' ends at byte 96, the file has 95: 1 bytes are missing"},
    {"data_longer_than_its_tensors", [] { return with_tensor(f32, {9}, 0, 65).bytes(); },
     "bad GGUF: the last tensor ends at byte 100, the file has 129: 29 bytes are too many"},
    {"data_larger_than_any_file", [] { return with_tensor(i8, {(1ULL << 63) - 1}, 0, 32).bytes(); },
     "bad GGUF: the sizes of the tensors overflow"},
};

std::string kind_name(const ::testing::TestParamInfo<BadFile>& info) {
    return info.param.kind;
}

INSTANTIATE_TEST_SUITE_P(Head, GgufBadFile, ::testing::ValuesIn(head_kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(Keys, GgufBadFile, ::testing::ValuesIn(key_kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(Tensors, GgufBadFile, ::testing::ValuesIn(tensor_kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(Data, GgufBadFile, ::testing::ValuesIn(data_kinds), kind_name);

} // namespace
} // namespace hearth::registry::gguf
