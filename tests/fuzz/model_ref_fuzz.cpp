#include "base/error.hpp"
#include "registry/model_ref.hpp"

#include <cstdlib>

using hearth::registry::ModelRef;

/// What parses once parses again from its full name, to the same; and its other names are names too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::optional<ModelRef> ref;
    try {
        ref = ModelRef::parse(text);
    } catch (const hearth::Error& error) {
        if (error.code() != hearth::ErrorCode::bad_reference)
            std::abort();
        return 0;
    }
    if (ModelRef::parse(ref->full_name()) != *ref) // throws: a crash, as it should be
        std::abort();
    const ModelRef local = ref->local_name();
    if (ModelRef::parse(local.full_name()) != local)
        std::abort();
    if (ref->kind != ModelRef::Kind::local && !ModelRef::parse(ref->short_name()).same_model(*ref))
        std::abort();
    return 0;
}
