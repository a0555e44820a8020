/* Extension "hearth.quantize/1" of the backend plugin ABI: makes a smaller model file from a larger one. C11.
 *
 * A plugin that offers it answers get_extension("hearth.quantize/1") with this table, and names "quantize" among the operations of
 * its manifest and of describe. A plugin without it needs nothing of this file. The rules of hearth_backend.h hold here too.
 *
 * The runner that quantizes loads no model; it ends when the call has returned, or is killed. A plugin keeps nothing for later.
 */
#ifndef HEARTH_QUANTIZE_H
#define HEARTH_QUANTIZE_H

#include "hearth_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEARTH_QUANTIZE_EXTENSION "hearth.quantize/1"
#define HEARTH_QUANTIZE_VERSION 1u

/* What to make of what. spec is a JSON object: {"type": "Q4_K_M", "threads": n or 0 for all cores}. Unknown members are ignored. */
typedef struct hearth_quantize_spec {
    uint32_t struct_size;
    uint32_t file_count;
    const hearth_file* files; /* HEARTH_FILE_MODEL only: one file, or all shards of one model */
    int32_t output_fd;        /* an empty regular file, open for writing; -1 for plan. The runner owns it. */
    uint32_t reserved;
    hearth_str spec;
} hearth_quantize_spec;

typedef struct hearth_quantize {
    uint32_t abi_version; /* HEARTH_QUANTIZE_VERSION */
    uint32_t struct_size;

    /* [any] One event: {"types": [{"name": "Q4_K_M", "aliases": ["Q4_K"]}…], "refused": [{"name": "IQ1_S", "reason": "…"}…]}, the
     * types from most to fewest bits. */
    hearth_status (*types)(const hearth_sink* sink, hearth_error* error);
    /* [ctl] Reads headers only, writes nothing. One event: {"type": "Q4_K_M", "input_bytes", "output_bytes": exactly what run will
     * write, "elements": weights, "tensors": [{"type": "Q6_K", "count", "elements", "bytes"}… by bytes, the largest first]}.
     * HEARTH_E_INVALID: no such type, or the result would not be smaller. HEARTH_E_UNSUPPORTED: this source or this type is
     * refused, with the reason. HEARTH_E_FORMAT: the files are no model. */
    hearth_status (*plan)(const hearth_quantize_spec* spec, const hearth_sink* sink, hearth_error* error);
    /* [ctl] Blocks until the output file is complete; makes the checks of plan first. progress may be NULL; its stage is
     * "quantize". After an error or HEARTH_E_CANCELLED the bytes in the output are worthless. One event, as plan. Memory stays
     * below the size of the input, whatever that is, but for what the plugin itself needs. */
    hearth_status (*run)(const hearth_quantize_spec* spec, const hearth_progress* progress,
                         const hearth_sink* sink, hearth_error* error);
} hearth_quantize;

#ifdef __cplusplus
}
#endif
#endif
