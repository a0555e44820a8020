#include "daemon/planning/plan_question.hpp"

#include "base/error.hpp"
#include "daemon/handlers/fields.hpp"

#include <fmt/format.h>

namespace hearth::daemon {

namespace memory = runtime::memory;

namespace {

constexpr std::int64_t most_tokens = 100'000'000;

/// A text that must be one of the names that `try_name` knows.
template <class Try> auto named_field(const Json& body, const char* key, Try try_name, const char* names) {
    const auto text = string_field(body, key);
    const auto value = text ? try_name(*text) : std::nullopt;
    if (text && !value) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("field \"{}\" is \"{}\", it must be {}", key, *text, names));
    }
    return value;
}

} // namespace

memory::Wishes parse_wishes(const Json& body) {
    memory::Wishes wishes;
    if (const auto context = integer_field(body, "context", 1, most_tokens)) {
        wishes.context = static_cast<std::uint64_t>(*context);
    }
    if (const auto parallel = integer_field(body, "parallel", 1, 256)) {
        wishes.parallel = static_cast<int>(*parallel);
    }
    if (const auto layers = integer_field(body, "gpu_layers", 0, 100'000)) {
        wishes.gpu_layers = static_cast<int>(*layers);
    }
    wishes.kv_type =
        named_field(body, "kv_type", memory::try_cache_type, "f16, q8_0, q4_0 or another type of the cache");
    wishes.load_mode = named_field(body, "load_mode", memory::try_load_mode, "mmap, repack or read");
    wishes.unified = flag_field(body, "unified");
    wishes.device = string_field(body, "device").value_or("");
    wishes.embeddings = flag_field(body, "embeddings").value_or(false);
    wishes.force = flag_field(body, "force").value_or(false);
    return wishes;
}

PlanQuestion parse_plan_question(const Json& body) {
    PlanQuestion question;
    question.model = model_field(body);
    question.wishes = parse_wishes(body);
    question.wishes.quant = string_field(body, "quant").value_or("");
    question.machine.ram = string_field(body, "ram");
    question.machine.gpus = strings_field(body, "gpus");
    question.quick = flag_field(body, "quick").value_or(false);
    question.insecure = flag_field(body, "insecure").value_or(false);
    return question;
}

} // namespace hearth::daemon
