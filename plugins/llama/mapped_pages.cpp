#include "plugins/llama/mapped_pages.hpp"

#include <ggml-backend.h>
#include <ggml.h>
#include <src/llama-model.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::llama {

namespace {

using Range = std::pair<std::uintptr_t, std::uintptr_t>; // first, one past the last

Range range_of(const void* start, std::size_t bytes) {
    const auto first = reinterpret_cast<std::uintptr_t>(start);
    return {first, first + bytes};
}

/// Whole pages only: what shares a page with something used stays.
void drop(std::uintptr_t first, std::uintptr_t end) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t from = (first + page - 1) / page * page;
    const std::uintptr_t to = end / page * page;
    if (from < to) { // a failure costs memory that the kernel can take back, nothing else
        void* const start = reinterpret_cast<void*>(from); // NOLINT(performance-no-int-to-ptr)
        ::madvise(start, to - from, MADV_DONTNEED);
    }
}

} // namespace

bool is_mapped(const ggml_tensor* tensor) {
    if (!tensor->buffer) {
        return false;
    }
    const std::string_view name = ggml_backend_buft_name(ggml_backend_buffer_get_type(tensor->buffer));
    return name.find("Mapped") != std::string_view::npos;
}

std::uint64_t mapped_bytes(const llama_model* model) {
    constexpr std::uint64_t alignment = 32;
    std::uint64_t bytes = 0;
    for (const auto& [name, tensor] : llama_internal_get_tensor_map(model)) {
        bytes += is_mapped(tensor) ? GGML_PAD(ggml_nbytes(tensor), alignment) : 0;
    }
    return bytes;
}

void drop_unused_pages(const llama_model* model) {
    std::vector<Range> used;
    std::set<ggml_backend_buffer_t> maps;
    for (const auto& [name, tensor] : llama_internal_get_tensor_map(model)) {
        if (is_mapped(tensor) && ggml_backend_buffer_is_host(tensor->buffer)) {
            used.push_back(range_of(tensor->data, ggml_nbytes(tensor)));
            maps.insert(tensor->buffer);
        }
    }
    std::ranges::sort(used);
    for (const ggml_backend_buffer_t map : maps) {
        const auto [first, end] =
            range_of(ggml_backend_buffer_get_base(map), ggml_backend_buffer_get_size(map));
        std::uintptr_t at = first;
        for (const Range& range : used) {
            drop(at, std::min(range.first, end));
            at = std::max(at, range.second);
        }
        drop(at, end);
    }
}

} // namespace hearth::llama
