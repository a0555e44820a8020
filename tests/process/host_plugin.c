/* A backend for the tests of hearth-runner, in C: what it does is asked by the name of the operation. */
#include "plugins/abi/hearth_quantize.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

struct hearth_model {
    char first[5];
    uint64_t size;
};

struct hearth_request {
    char operation[32];
    char* body;
    atomic_int cancelled;
};

static const hearth_host* host;
static int socket_errno_in_constructor;

/* Runs at dlopen: the lock must be up by then. */
__attribute__((constructor)) static void on_open(void) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    socket_errno_in_constructor = fd >= 0 ? 0 : errno;
}

static hearth_status fail(hearth_error* error, hearth_status status, const char* text) {
    error->status = status;
    snprintf(error->message, sizeof error->message, "%s", text);
    return status;
}

static hearth_status emit(const hearth_sink* sink, const char* text) {
    const hearth_str data = {text, strlen(text)};
    return sink->write(sink->context, data) == 0 ? HEARTH_OK : HEARTH_E_CANCELLED;
}

static hearth_status init(const hearth_host* from, hearth_str config, hearth_error* error) {
    (void)config;
    (void)error;
    host = from;
    const char* line = "the test plugin is ready";
    host->log(host->context, HEARTH_LOG_WARNING, (hearth_str){line, strlen(line)});
    return HEARTH_OK;
}

static void shut_down(void) {
    const char* line = "the test plugin shuts down";
    host->log(host->context, HEARTH_LOG_WARNING, (hearth_str){line, strlen(line)});
}

static hearth_status describe(const hearth_sink* sink, hearth_error* error) {
    (void)error;
    char text[512];
    snprintf(text, sizeof text, "{\"operations\":[\"count\"],\"scratch\":\"%s\",\"socket_errno\":%d}",
             host->scratch_dir, socket_errno_in_constructor);
    return emit(sink, text);
}

static hearth_status devices(const hearth_sink* sink, hearth_error* error) {
    (void)error;
    return emit(sink, "{\"devices\":[]}");
}

static hearth_status estimate(const hearth_load_spec* spec, const hearth_sink* sink, hearth_error* error) {
    if (spec->file_count == 0) {
        return fail(error, HEARTH_E_UNSUPPORTED, "nothing to estimate");
    }
    char text[64];
    snprintf(text, sizeof text, "{\"total_bytes\":%llu}", (unsigned long long)spec->files[0].size);
    return emit(sink, text);
}

static int asks_for(hearth_str text, const char* word) {
    char copy[512] = {0};
    memcpy(copy, text.ptr, text.len < sizeof copy - 1 ? text.len : sizeof copy - 1);
    return strstr(copy, word) != NULL;
}

static hearth_status read_model(const hearth_file* file, hearth_model* model) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file->fd);
    FILE* stream = fopen(path, "r");
    if (stream == NULL) {
        return HEARTH_E_FORMAT;
    }
    const size_t count = fread(model->first, 1, 4, stream);
    fclose(stream);
    model->size = file->size;
    return count == 4 ? HEARTH_OK : HEARTH_E_FORMAT;
}

static hearth_status load(const hearth_load_spec* spec, const hearth_progress* progress, hearth_model** out,
                          hearth_error* error) {
    if (asks_for(spec->spec, "\"fail\":\"internal\"")) {
        return fail(error, HEARTH_E_INTERNAL, "as asked");
    }
    if (asks_for(spec->spec, "\"fail\":\"memory\"")) {
        return fail(error, HEARTH_E_NOMEM, "as asked");
    }
    if (asks_for(spec->spec, "\"forever\":true")) {
        while (progress->report(progress->context, "weights", 0.5f) == 0) {
            thrd_yield();
        }
        return fail(error, HEARTH_E_CANCELLED, "the load was cancelled");
    }
    hearth_model* model = calloc(1, sizeof *model);
    progress->report(progress->context, "weights", 0.0f);
    if (spec->file_count > 0 && read_model(&spec->files[0], model) != HEARTH_OK) {
        free(model);
        return fail(error, HEARTH_E_FORMAT, "the file has no four bytes");
    }
    progress->report(progress->context, "weights", 1.0f);
    *out = model;
    return HEARTH_OK;
}

static void unload(hearth_model* model) {
    free(model);
}

static hearth_status info(hearth_model* model, const hearth_sink* sink, hearth_error* error) {
    (void)error;
    char text[128];
    snprintf(text, sizeof text, "{\"context\":512,\"first\":\"%s\",\"size\":%llu}", model->first,
             (unsigned long long)model->size);
    return emit(sink, text);
}

static hearth_status request_create(hearth_model* model, hearth_str operation, hearth_str body,
                                    hearth_request** out, hearth_error* error) {
    (void)model;
    if (asks_for(body, "bad body")) {
        return fail(error, HEARTH_E_INVALID, "the body is bad");
    }
    hearth_request* request = calloc(1, sizeof *request);
    memcpy(request->operation, operation.ptr, operation.len < sizeof request->operation ? operation.len : 0);
    request->body = calloc(1, body.len + 1);
    memcpy(request->body, body.ptr, body.len);
    *out = request;
    return HEARTH_OK;
}

static hearth_status run_big(const hearth_sink* sink) {
    const size_t size = 3u << 20;
    char* text = malloc(size + 1);
    memset(text, ' ', size);
    text[0] = '{';
    text[size - 1] = '}';
    text[size] = 0;
    const hearth_status status = emit(sink, text);
    free(text);
    return status;
}

static hearth_status request_run(hearth_request* request, const hearth_sink* sink, hearth_error* error) {
    if (strcmp(request->operation, "count") == 0) {
        for (int number = 0; number < atoi(request->body); ++number) {
            char text[32];
            snprintf(text, sizeof text, "{\"n\":%d}", number);
            if (emit(sink, text) != HEARTH_OK) {
                return fail(error, HEARTH_E_CANCELLED, "nobody listens");
            }
        }
        return HEARTH_OK;
    }
    if (strcmp(request->operation, "block") == 0) {
        emit(sink, "{\"blocked\":true}");
        while (!atomic_load(&request->cancelled)) {
            thrd_sleep(&(struct timespec){0, 1000000}, NULL);
        }
        return fail(error, HEARTH_E_CANCELLED, "cancelled as asked");
    }
    if (strcmp(request->operation, "stuck") == 0) {
        emit(sink, "{\"stuck\":true}");
        for (;;) {
            thrd_sleep(&(struct timespec){1, 0}, NULL);
        }
    }
    if (strcmp(request->operation, "big") == 0) {
        return run_big(sink);
    }
    if (strcmp(request->operation, "crash") == 0) {
        abort();
    }
    if (strcmp(request->operation, "context") == 0) {
        return fail(error, HEARTH_E_CONTEXT, "the prompt is too long");
    }
    return fail(error, HEARTH_E_UNSUPPORTED, "no such operation");
}

static void request_cancel(hearth_request* request) {
    atomic_store(&request->cancelled, 1);
}

static void request_free(hearth_request* request) {
    free(request->body);
    free(request);
}

static hearth_status quantize_types(const hearth_sink* sink, hearth_error* error) {
    (void)error;
    return emit(sink, "{\"types\":[{\"name\":\"HALF\",\"aliases\":[]}],\"refused\":[]}");
}

static hearth_status quantize_plan(const hearth_quantize_spec* spec, const hearth_sink* sink,
                                   hearth_error* error) {
    if (asks_for(spec->spec, "\"NONE\"")) {
        return fail(error, HEARTH_E_INVALID, "there is no such type");
    }
    char text[128];
    snprintf(text, sizeof text, "{\"output_bytes\":%llu,\"output\":%d}",
             (unsigned long long)spec->files[0].size / 2, spec->output_fd);
    return emit(sink, text);
}

/* Copies the first half of its input. */
static hearth_status quantize_run(const hearth_quantize_spec* spec, const hearth_progress* progress,
                                  const hearth_sink* sink, hearth_error* error) {
    progress->report(progress->context, "quantize", 0.0f);
    if (asks_for(spec->spec, "\"CRASH\"")) {
        abort();
    }
    char byte = 0;
    for (uint64_t at = 0; at < spec->files[0].size / 2; ++at) {
        if (pread(spec->files[0].fd, &byte, 1, (off_t)at) != 1 || write(spec->output_fd, &byte, 1) != 1) {
            return fail(error, HEARTH_E_INTERNAL, "a byte got lost");
        }
    }
    while (asks_for(spec->spec, "\"FOREVER\"")) {
        if (progress->report(progress->context, "quantize", 0.5f) != 0) {
            return fail(error, HEARTH_E_CANCELLED, "quantizing was cancelled");
        }
        thrd_yield();
    }
    return emit(sink, "{\"made\":true}");
}

static const void* get_extension(const char* id) {
    static const hearth_quantize quantize = {
        .abi_version = HEARTH_QUANTIZE_VERSION,
        .struct_size = sizeof(hearth_quantize),
        .types = quantize_types,
        .plan = quantize_plan,
        .run = quantize_run,
    };
    return strcmp(id, HEARTH_QUANTIZE_EXTENSION) == 0 ? &quantize : NULL;
}

static const hearth_backend backend = {
    .abi_version = HEARTH_ABI_VERSION,
    .struct_size = sizeof(hearth_backend),
    .name = "host-test",
    .version = "7",
    .init = init,
    .shutdown = shut_down,
    .describe = describe,
    .devices = devices,
    .estimate = estimate,
    .load = load,
    .unload = unload,
    .info = info,
    .request_create = request_create,
    .request_run = request_run,
    .request_cancel = request_cancel,
    .request_free = request_free,
    .get_extension = get_extension,
};

__attribute__((visibility("default"))) const hearth_backend* hearth_backend_get(uint32_t host_abi_version) {
    return host_abi_version == HEARTH_ABI_VERSION ? &backend : NULL;
}
