// Parses one GGUF header again and again, by turns with our parser and with ggml's own, and prints the milliseconds of each
// as JSON. Usage: header_bench FILE PAIRS
#include "base/unique_fd.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gguf.h>
#include <vector>

namespace gguf = hearth::registry::gguf;

namespace {

template <class Work> double milliseconds(Work work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

std::size_t parse_ours(const char* path, bool keep_all) {
    const hearth::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    return gguf::parse_header(gguf::FileSource(file.get()), {.keep_long_arrays = keep_all}).keys.size();
}

std::size_t parse_theirs(const char* path) {
    gguf_context* context = gguf_init_from_file(path, {.no_alloc = true, .ctx = nullptr});
    if (context == nullptr)
        return 0;
    const auto keys = static_cast<std::size_t>(gguf_get_n_kv(context));
    gguf_free(context);
    return keys;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    const char* path = argv[1];
    if (parse_ours(path, true) != parse_theirs(path)) // also warms the page cache
        return 1;
    std::vector<double> ours, keeping, theirs;
    const auto take_ours = [&] { ours.push_back(milliseconds([&] { parse_ours(path, false); })); };
    const auto take_keeping = [&] { keeping.push_back(milliseconds([&] { parse_ours(path, true); })); };
    const auto take_theirs = [&] { theirs.push_back(milliseconds([&] { parse_theirs(path); })); };
    for (int pair = 0; pair < std::atoi(argv[2]); ++pair) {
        if (pair % 2 == 0) {
            take_ours();
            take_keeping();
            take_theirs();
        } else {
            take_theirs();
            take_keeping();
            take_ours();
        }
    }
    fmt::print("{{\"ours\": {}, \"keeping\": {}, \"theirs\": {}}}\n", ours, keeping, theirs);
}
