/* Extension "hearth.measure/1" of the backend plugin ABI: how fast the backend's devices are on this machine. C11.
 *
 * A plugin that offers it answers get_extension("hearth.measure/1") with this table; one without it needs nothing of this file. The rules
 * of hearth_backend.h hold here too. The runner that measures loads no model, and ends afterwards.
 */
#ifndef HEARTH_MEASURE_H
#define HEARTH_MEASURE_H

#include "hearth_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEARTH_MEASURE_EXTENSION "hearth.measure/1"
#define HEARTH_MEASURE_VERSION 1u

typedef struct hearth_measure {
    uint32_t abi_version; /* HEARTH_MEASURE_VERSION */
    uint32_t struct_size;

    /* [ctl] spec is a JSON object: {"threads": n or 0 for all cores, "milliseconds": for all of it together}. One event: {"devices":
     * {"<id, as `devices` names it>": {"throughput": {"<tensor type, as GGUF names it>": bytes of weights per second}}}}: products of
     * weights in the device's memory with the vector of one sequence. What is not measured is absent. */
    hearth_status (*run)(hearth_str spec, const hearth_sink* sink, hearth_error* error);
} hearth_measure;

#ifdef __cplusplus
}
#endif
#endif
