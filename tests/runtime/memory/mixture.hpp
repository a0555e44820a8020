#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// The tensor types that llama.cpp's quantizer gives each matrix: sizes of files that are not here.
/// Source: llama.cpp src/llama-quant.cpp (llama_tensor_get_type_impl, tensor_type_fallback).
namespace hearth::tests {

enum class Role { input, output, attention_q, attention_k, attention_v, attention_out, gate, up, down };

struct Matrix {
    Role role = Role::up;
    std::uint64_t row = 0; ///< elements of one row
    std::uint64_t rows = 0;
    int layer = 0;
    bool expert = false;
};

struct MixtureModel {
    int layers = 0;
    int query_groups = 1; ///< heads for one key/value head
    bool is_70b = false;
};

/// "Q4_K". @param quant one of Q8_0 … IQ2_M, F16 or MXFP4
std::string mixture_type(std::string_view quant, const Matrix& matrix, const MixtureModel& model);

/// Bytes of a matrix in a type, padded to 32 as buffers are.
std::uint64_t matrix_bytes(std::string_view type, const Matrix& matrix);

} // namespace hearth::tests
