/* Hearth's backend plugin ABI, version 1. C11; includes nothing but <stddef.h> and <stdint.h>.
 *
 * A plugin is one shared library that exports one symbol, `hearth_backend_get`, and lies beside its manifest
 * `backend-<name>.json`. It is loaded into a process of its own (`hearth-runner`), already confined: no network, no
 * exec, no fork. One process hosts one plugin and at most one model.
 *
 * Rules that hold everywhere
 * - Both tables begin with `abi_version` and `struct_size`. Slots are only ever appended; a reader uses `struct_size`
 *   to know what is there. A later host gives version 1 plugins a version 1 table.
 * - Every call returns a status. Errors go into the caller's `hearth_error`: nothing to free.
 * - No exception, longjmp or signal crosses this border. A plugin leaves signals, locale, working directory, stdin,
 *   stdout and the process's other descriptors alone.
 * - `hearth_str` arguments are borrowed for the call, are not NUL-terminated, and hold UTF-8.
 * - JSON is for cold data (spec, bodies, answers); sizes are bytes, times milliseconds.
 * - Threads: [ctl] one thread, never two calls at once, may block. [any] any thread, at any time between load and
 *   unload, concurrently. [engine] called back by the plugin from a thread of its choice.
 */
#ifndef HEARTH_BACKEND_H
#define HEARTH_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEARTH_ABI_VERSION 1u

typedef struct hearth_str {
    const char* ptr;
    size_t len;
} hearth_str;

typedef int32_t hearth_status;
enum {
    HEARTH_OK = 0,
    HEARTH_E_INTERNAL = 1,    /* the plugin's bug or the engine's */
    HEARTH_E_INVALID = 2,     /* the request or spec cannot be right: HTTP 400 */
    HEARTH_E_UNSUPPORTED = 3, /* understood, not offered by this backend or model */
    HEARTH_E_NOT_FOUND = 4,   /* a device, adapter or state that is named and absent */
    HEARTH_E_FORMAT = 5,      /* the model file is broken or of another format */
    HEARTH_E_NOMEM = 6,       /* host or device memory */
    HEARTH_E_CANCELLED = 7,   /* sink, progress or cancel asked for it */
    HEARTH_E_BUSY = 8,        /* all slots and the queue are full */
    HEARTH_E_DEVICE = 9,      /* a device was lost */
    HEARTH_E_UPSTREAM = 10,   /* a remote service failed (remote backends) */
    HEARTH_E_CONTEXT = 11,    /* the prompt is longer than the context */
    HEARTH_E_ABI = 12         /* tables that do not match */
};

/* The caller's memory. Set struct_size before the call; the plugin fills status and a NUL-terminated message. */
typedef struct hearth_error {
    uint32_t struct_size;
    hearth_status status;
    char message[504];
} hearth_error;

enum { HEARTH_LOG_DEBUG = 0, HEARTH_LOG_INFO = 1, HEARTH_LOG_WARNING = 2, HEARTH_LOG_ERROR = 3 };

/* What the runner offers. Valid from init until shutdown has returned. */
typedef struct hearth_host {
    uint32_t abi_version;
    uint32_t struct_size;
    void* context;
    /* [any] One line without newline. Must not hold prompt or answer text. */
    void (*log)(void* context, int32_t level, hearth_str text);
    /* [any] A named extension table of the host, or NULL. */
    const void* (*get_extension)(void* context, const char* id);
    /* A private folder for scratch files (symlinks for split models, caches), NUL-terminated, removed after the process. */
    const char* scratch_dir;
} hearth_host;

/* Takes what a call produces. Returns non-zero: stop soon, nobody listens. The callee copies before it returns. */
typedef struct hearth_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* context;
    /* [engine] `data` is one complete JSON object in the shape of the operation; no SSE framing, no trailing newline. */
    int32_t (*write)(void* context, hearth_str data);
} hearth_sink;

/* Progress of a load. Returns non-zero: cancel. stage is NUL-terminated ("weights", "mmproj", "warmup"), fraction 0 … 1. */
typedef struct hearth_progress {
    uint32_t struct_size;
    uint32_t reserved;
    void* context;
    int32_t (*report)(void* context, const char* stage, float fraction); /* [engine] */
} hearth_progress;

enum { HEARTH_FILE_MODEL = 0, HEARTH_FILE_PROJECTOR = 1, HEARTH_FILE_ADAPTER = 2, HEARTH_FILE_DRAFT = 3 };

/* One file of the model: open for reading, positioned at 0. The runner owns the descriptor and keeps it open until unload has
 * returned. A plugin that needs a path uses /proc/self/fd/<fd> and never shows it in an answer. */
typedef struct hearth_file {
    int32_t fd;
    int32_t role;   /* HEARTH_FILE_* */
    uint64_t size;  /* bytes */
    uint32_t shard; /* 1 … of */
    uint32_t of;
} hearth_file;

/* What to load. spec is a JSON object: {"alias": "name in answers", "context": tokens per sequence or 0 for the model's own,
 * "parallel": sequences at once, "unified": bool, sequences share one pool of cells (default) or have their own, "threads": n or 0,
 * "embeddings": bool, "options": {…the backend's own…}}. Only `estimate`: "pretend": [{"id", "bytes"}…], GPUs to plan with instead of
 * the real ones. Unknown members are ignored. */
typedef struct hearth_load_spec {
    uint32_t struct_size;
    uint32_t file_count;
    const hearth_file* files;
    hearth_str spec;
} hearth_load_spec;

typedef struct hearth_model hearth_model;     /* the plugin's */
typedef struct hearth_request hearth_request; /* the plugin's */

/* Operations and the JSON they speak. `stream` in the body says whether there are many events or one.
 *   "chat"      body: OpenAI chat completion request. Events: chat.completion.chunk objects, or one chat.completion. The last event
 *               carries "usage" {prompt_tokens, completion_tokens}, choices[0].finish_reason, and may carry "timings"
 *               {prompt_n, prompt_ms, predicted_n, predicted_ms}; where one of the body's "stop" ended it, choices[0].stop_reason says
 *               which. "continue_final_message": true (with "add_generation_prompt": false) goes on with a last message of the assistant, where
 *               the backend can, and says what is new. "return_progress": true asks for events before the answer with "prompt_progress" {total, processed}, in tokens.
 *   "complete"  body: {"prompt": text or tokens, "stream", "n_predict", sampling as in OpenAI's completions plus top_k, min_p, seed,
 *               repeat_penalty, stop, "return_tokens"}. Events: {"content": text, "tokens": [ids], "stop": false}, the last with
 *               "stop": true, "stop_type": "eos"|"limit"|"word", "tokens_evaluated", "tokens_predicted", "timings".
 *   "embed"     body: {"input": [texts], "normalize": false asks for vectors as the model gives them, where the backend can}.
 *               One event: {"embeddings": [[floats, L2-normalised]], "tokens": n}.
 *   "tokenize"  body: {"content": text, "add_special": bool}. One event: {"tokens": [ids]}.
 *   "template"  body: as chat. One event: {"prompt": text}.
 *   "count"     body: as chat. One event: {"tokens": n}, how long its prompt is, images included.
 */
typedef struct hearth_backend {
    uint32_t abi_version;
    uint32_t struct_size;
    const char* name;    /* equals the manifest's */
    const char* version; /* of the plugin and its engine, for people */

    /* [ctl] Once, before anything else. config: JSON object, may be empty. "pass_over": n, for an engine that comes in variants and takes
     * the one that suits the machine best: do not take one of the n best, they were found wrong here. HEARTH_E_NOT_FOUND when none is left.
     * Unknown members are ignored. */
    hearth_status (*init)(const hearth_host* host, hearth_str config, hearth_error* error);
    /* [ctl] Last. No model and no request is left. The process exits afterwards; the library is never unloaded. A runner that is no
     * longer needed ends at once instead, in the middle of whatever it does, without unload and shutdown: keep nothing that only they save. */
    void (*shutdown)(void);
    /* [ctl] One event: {"operations": […], "formats": […], "engine": {"name", "version"}, "options": {JSON Schema}}. The engine's
     * "variant" where it comes in several: the name of the one in use. */
    hearth_status (*describe)(const hearth_sink* sink, hearth_error* error);
    /* [ctl] One event: {"devices": [{"id", "kind": "cpu|gpu|npu", "description", "total_bytes", "free_bytes"}]}. May say more: "unified"
     * (shares the host's memory), "display" (a screen hangs on it), "memory_source" (who counted). */
    hearth_status (*devices)(const hearth_sink* sink, hearth_error* error);
    /* [ctl] What a load with this spec would take, without reading weights: the files may be headers only, extended to the full size.
     * One event: {"total_bytes", "devices": {"<id>": {"kind", "weights", "mapped", "repacked", "kv", "state", "compute", "output"}}}.
     * "weights" is all of them, "mapped" the part in the file's pages, "repacked" the part in a layout of the CPU's own; "state" is
     * recurrent state; "output", which total_bytes leaves out, the buffer of results. HEARTH_E_UNSUPPORTED when the backend cannot know. */
    hearth_status (*estimate)(const hearth_load_spec* spec, const hearth_sink* sink, hearth_error* error);
    /* [ctl] Blocks until the model can answer. On error nothing stays allocated. progress may be NULL. */
    hearth_status (*load)(const hearth_load_spec* spec, const hearth_progress* progress, hearth_model** model,
                          hearth_error* error);
    /* [ctl] Cancels and waits for running requests, then frees the model. Every request was freed before. */
    void (*unload)(hearth_model* model);
    /* [any] One event: {"context": tokens, "parallel": n, "operations": […], "memory": as estimate's event,
     * "chat_template": bool, …}: what was really allocated. */
    hearth_status (*info)(hearth_model* model, const hearth_sink* sink, hearth_error* error);

    /* [any] Checks the body and prepares. On error *request stays NULL. */
    hearth_status (*request_create)(hearth_model* model, hearth_str operation, hearth_str body,
                                    hearth_request** request, hearth_error* error);
    /* [any] Blocks its thread until the answer is complete; different requests run concurrently. Returns HEARTH_E_CANCELLED after a
     * sink's stop or request_cancel. */
    hearth_status (*request_run)(hearth_request* request, const hearth_sink* sink, hearth_error* error);
    /* [any] Never blocks; may come before, during or after request_run. */
    void (*request_cancel)(hearth_request* request);
    /* [any] After request_run has returned (or instead of it). */
    void (*request_free)(hearth_request* request);

    /* [any] A named extension table of the plugin ("hearth.state/1" for saved conversations, …), or NULL. */
    const void* (*get_extension)(const char* id);
} hearth_backend;

/* The only exported symbol. @return a table that lives as long as the process, or NULL when `host_abi_version` is too old for it. */
const hearth_backend* hearth_backend_get(uint32_t host_abi_version);
typedef const hearth_backend* (*hearth_backend_get_fn)(uint32_t host_abi_version);

#ifdef __cplusplus
}
#endif
#endif
