/* shout: a backend written by somebody else. One C file, built against the installed header alone; answers in
 * capitals. Its requests need nothing but themselves, so there is no lock in it. */
#include <hearth/hearth_backend.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hearth_status fail(hearth_error* error, hearth_status status, const char* message) {
    if (error && error->struct_size >= sizeof(hearth_error)) {
        error->status = status;
        snprintf(error->message, sizeof(error->message), "%s", message);
    }
    return status;
}

/* ---- JSON: enough to check a text and to find members; values stay as they were written */

static const char* skip_space(const char* p, const char* end) {
    while (p < end && strchr(" \t\r\n", *p) && *p) {
        ++p;
    }
    return p;
}

static const char* skip_string(const char* p, const char* end) {
    for (++p; p < end && *p != '"'; ++p) {
        if ((unsigned char)*p < 0x20 || (*p == '\\' && ++p == end)) {
            return NULL;
        }
    }
    return p < end ? p + 1 : NULL;
}

static const char* skip_value(const char* p, const char* end, int depth);

static const char* skip_list(const char* p, const char* end, int depth, char close) {
    p = skip_space(p + 1, end);
    if (p < end && *p == close) {
        return p + 1;
    }
    while (p < end) {
        if (close == '}') {
            p = *p == '"' ? skip_string(p, end) : NULL;
            p = p ? skip_space(p, end) : NULL;
            if (!p || p == end || *p++ != ':') {
                return NULL;
            }
        }
        p = skip_value(p, end, depth + 1);
        p = p ? skip_space(p, end) : NULL;
        if (!p || p == end || (*p != ',' && *p != close)) {
            return NULL;
        }
        if (*p++ == close) {
            return p;
        }
        p = skip_space(p, end);
    }
    return NULL;
}

static const char* skip_value(const char* p, const char* end, int depth) {
    p = skip_space(p, end);
    if (p == end || depth > 64) {
        return NULL;
    }
    switch (*p) {
    case '"':
        return skip_string(p, end);
    case '{':
        return skip_list(p, end, depth, '}');
    case '[':
        return skip_list(p, end, depth, ']');
    default: { /* a number, true, false or null */
        size_t length = 0;
        while (p + length < end && p[length] && strchr("+-.0123456789eEtrufalsn", p[length])) {
            ++length;
        }
        return length > 0 ? p + length : NULL;
    }
    }
}

/* The value as written, or {NULL, 0}. */
static hearth_str trimmed(const char* p, const char* end) {
    const char* start = skip_space(p, end);
    const char* after = skip_value(start, end, 0);
    hearth_str value = {after ? start : NULL, after ? (size_t)(after - start) : 0};
    return value;
}

static bool is_object(hearth_str text) {
    hearth_str value = trimmed(text.ptr, text.ptr + text.len);
    return value.ptr && *value.ptr == '{' &&
           skip_space(value.ptr + value.len, text.ptr + text.len) == text.ptr + text.len;
}

/* The next element of a list (key NULL) or member of an object; *at is where to go on. False at the end. */
static bool next_item(hearth_str list, const char** at, hearth_str* key, hearth_str* value) {
    if (!list.ptr) {
        return false;
    }
    const char* end = list.ptr + list.len - 1; /* the closing bracket */
    const char* p = skip_space(*at ? *at : list.ptr + 1, end);
    if (p < end && *p == ',') {
        p = skip_space(p + 1, end);
    }
    if (p >= end) {
        return false;
    }
    if (key) {
        *key = trimmed(p, end);
        p = skip_space(key->ptr + key->len, end) + 1;
    }
    *value = trimmed(p, end);
    *at = value->ptr + value->len;
    return true;
}

static hearth_str member(hearth_str object, const char* name) {
    hearth_str key, value, none = {NULL, 0};
    const char* at = NULL;
    hearth_str whole = trimmed(object.ptr, object.ptr + object.len);
    while (next_item(whole, &at, &key, &value)) {
        if (key.len == strlen(name) + 2 && memcmp(key.ptr + 1, name, key.len - 2) == 0) {
            return value;
        }
    }
    return none;
}

static bool is(hearth_str value, char first) {
    return value.ptr && *value.ptr == first;
}

static bool equals(hearth_str value, const char* text) {
    return value.ptr && value.len == strlen(text) && memcmp(value.ptr, text, value.len) == 0;
}

/* ---- model and requests */

struct hearth_model {
    char alias[256]; /* as JSON writes it, with its quotes */
    long context;
};

struct hearth_request {
    hearth_model* model;
    atomic_bool cancelled;
    bool chat;
    bool stream;
    bool cut; /* max_tokens was reached */
    long words;
    size_t length;
    char text[]; /* the answer, inside of a JSON string */
};

static hearth_status load(const hearth_load_spec* spec, const hearth_progress* progress, hearth_model** model,
                          hearth_error* error) {
    *model = NULL;
    if (spec->spec.len > 0 && !is_object(spec->spec)) {
        return fail(error, HEARTH_E_INVALID, "the load spec is not a JSON object");
    }
    hearth_str alias = member(spec->spec, "alias"), context = member(spec->spec, "context");
    if ((alias.ptr && (!is(alias, '"') || alias.len >= sizeof((*model)->alias))) || is(context, '"') ||
        is(context, '-')) {
        return fail(error, HEARTH_E_INVALID, "\"alias\" or \"context\" in the load spec cannot be right");
    }
    if (progress && progress->report(progress->context, "weights", 1.0f) != 0) {
        return fail(error, HEARTH_E_CANCELLED, "the load was cancelled");
    }
    hearth_model* made = calloc(1, sizeof(*made));
    if (!made) {
        return fail(error, HEARTH_E_NOMEM, "out of memory");
    }
    snprintf(made->alias, sizeof(made->alias), "%.*s", alias.ptr ? (int)alias.len : 7,
             alias.ptr ? alias.ptr : "\"shout\"");
    made->context = context.ptr ? strtol(context.ptr, NULL, 10) : 0;
    made->context = made->context > 0 ? made->context : 4096;
    *model = made;
    return HEARTH_OK;
}

static void unload(hearth_model* model) {
    free(model);
}

/* The last user's words; the answer shouts them. */
static hearth_status find_prompt(bool chat, hearth_str body, hearth_str* prompt, hearth_error* error) {
    if (!chat) {
        *prompt = member(body, "prompt");
        return is(*prompt, '"') ? HEARTH_OK : fail(error, HEARTH_E_INVALID, "\"prompt\" must be a text");
    }
    hearth_str messages = member(body, "messages"), message;
    if (!is(messages, '[')) {
        return fail(error, HEARTH_E_INVALID, "\"messages\" must be a list");
    }
    for (const char* at = NULL; next_item(messages, &at, NULL, &message);) {
        hearth_str content = is(message, '{') ? member(message, "content") : message;
        if (!is(message, '{') || !is(content, '"')) {
            return fail(error, HEARTH_E_INVALID, "a message must be an object with a text as \"content\"");
        }
        if (equals(member(message, "role"), "\"user\"")) {
            *prompt = content;
        }
    }
    return prompt->ptr ? HEARTH_OK : fail(error, HEARTH_E_INVALID, "there is no message of the user");
}

/* Capitals, but for what follows a backslash; at most `limit` words. */
static void shout(hearth_request* request, hearth_str prompt, long limit) {
    for (size_t i = 1; i + 1 < prompt.len; ++i) {
        char c = prompt.ptr[i];
        if (i == 1 || c == ' ') {
            if (limit >= 0 && request->words == limit) {
                request->cut = true;
                return;
            }
            ++request->words;
        }
        if (c == '\\') {
            size_t escape = prompt.ptr[i + 1] == 'u' ? 6 : 2;
            for (size_t k = 0; k < escape && i + 1 < prompt.len; ++k) {
                request->text[request->length++] = prompt.ptr[i++];
            }
            --i;
        } else {
            request->text[request->length++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        }
    }
}

static hearth_status request_create(hearth_model* model, hearth_str operation, hearth_str body,
                                    hearth_request** request, hearth_error* error) {
    *request = NULL;
    bool chat = equals(operation, "chat");
    if (!chat && !equals(operation, "complete")) {
        return fail(error, HEARTH_E_UNSUPPORTED, "shout knows chat and complete alone");
    }
    if (!is_object(body)) {
        return fail(error, HEARTH_E_INVALID, "the body is not a JSON object");
    }
    hearth_str prompt = {NULL, 0};
    hearth_status status = find_prompt(chat, body, &prompt, error);
    if (status != HEARTH_OK) {
        return status;
    }
    hearth_request* made = calloc(1, sizeof(*made) + prompt.len + 1);
    if (!made) {
        return fail(error, HEARTH_E_NOMEM, "out of memory");
    }
    hearth_str limit = member(body, chat ? "max_tokens" : "n_predict");
    made->model = model;
    made->chat = chat;
    made->stream = equals(member(body, "stream"), "true");
    shout(made, prompt, limit.ptr && !equals(limit, "null") ? strtol(limit.ptr, NULL, 10) : -1);
    *request = made;
    return HEARTH_OK;
}

/* ---- answers */

static bool emit(const hearth_sink* sink, const char* format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char* text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    bool stop = true;
    if (text) {
        vsnprintf(text, (size_t)length + 1, format, again);
        hearth_str data = {text, (size_t)length};
        stop = sink->write(sink->context, data) != 0;
        free(text);
    }
    va_end(again);
    va_end(arguments);
    return !stop;
}

#define TIMINGS "\"timings\":{\"prompt_n\":%ld,\"prompt_ms\":0,\"predicted_n\":%ld,\"predicted_ms\":0}"

static bool emit_word(const hearth_request* r, const hearth_sink* sink, const char* word, int length) {
    if (r->chat) {
        return emit(sink,
                    "{\"id\":\"shout\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":%s,"
                    "\"choices\":[{\"index\":0,"
                    "\"delta\":{\"content\":\"%.*s\"},\"finish_reason\":null}]}",
                    r->model->alias, length, word);
    }
    return emit(sink, "{\"content\":\"%.*s\",\"tokens\":[],\"stop\":false}", length, word);
}

static bool emit_last(const hearth_request* r, const hearth_sink* sink) {
    int length = r->stream ? 0 : (int)r->length;
    if (!r->chat) {
        return emit(
            sink,
            "{\"content\":\"%.*s\",\"tokens\":[],\"stop\":true,\"stop_type\":\"%s\",\"tokens_evaluated\":%ld,"
            "\"tokens_predicted\":%ld," TIMINGS "}",
            length, r->text, r->cut ? "limit" : "eos", r->words, r->words, r->words, r->words);
    }
    return emit(sink,
                "{\"id\":\"shout\",\"object\":\"chat.completion%s\",\"created\":0,\"model\":%s,\"choices\":[{"
                "\"index\":0,\"%s\":"
                "{\"role\":\"assistant\",\"content\":\"%.*s\"},\"finish_reason\":\"%s\"}],"
                "\"usage\":{\"prompt_tokens\":%ld,\"completion_tokens\":%ld,\"total_tokens\":%ld}," TIMINGS
                "}",
                r->stream ? ".chunk" : "", r->model->alias, r->stream ? "delta" : "message", length, r->text,
                r->cut ? "length" : "stop", r->words, r->words, 2 * r->words, r->words, r->words);
}

static hearth_status answered(hearth_error* error, bool heard) {
    return heard ? HEARTH_OK : fail(error, HEARTH_E_CANCELLED, "nobody listens any more");
}

static hearth_status request_run(hearth_request* request, const hearth_sink* sink, hearth_error* error) {
    bool heard = true;
    for (size_t start = 0; request->stream && start < request->length && heard;) {
        size_t end = start + 1;
        while (end < request->length && request->text[end] != ' ') {
            ++end;
        }
        heard = !atomic_load(&request->cancelled) &&
                emit_word(request, sink, request->text + start, (int)(end - start));
        start = end;
    }
    heard = heard && !atomic_load(&request->cancelled) && emit_last(request, sink);
    return answered(error, heard);
}

static void request_cancel(hearth_request* request) {
    atomic_store(&request->cancelled, true);
}

static void request_free(hearth_request* request) {
    free(request);
}

/* ---- the rest of the table */

static hearth_status init(const hearth_host* host, hearth_str config, hearth_error* error) {
    (void)config;
    bool fits = host && host->abi_version >= HEARTH_ABI_VERSION && host->struct_size >= sizeof(hearth_host);
    return fits ? HEARTH_OK : fail(error, HEARTH_E_ABI, "the host's table is too old");
}

static void shutdown(void) {}

static hearth_status describe(const hearth_sink* sink, hearth_error* error) {
    return answered(
        error,
        emit(sink, "{\"operations\":[\"chat\",\"complete\"],\"formats\":[],\"engine\":{\"name\":\"shout\","
                   "\"version\":\"1.0\"},"
                   "\"options\":{\"type\":\"object\"}}"));
}

static hearth_status devices(const hearth_sink* sink, hearth_error* error) {
    return answered(
        error,
        emit(sink, "{\"devices\":[{\"id\":\"cpu\",\"kind\":\"cpu\",\"description\":\"lungs\",\"total_bytes\":"
                   "0,\"free_bytes\":0}]}"));
}

static hearth_status estimate(const hearth_load_spec* spec, const hearth_sink* sink, hearth_error* error) {
    (void)spec;
    (void)sink;
    return fail(error, HEARTH_E_UNSUPPORTED, "shout loads nothing");
}

static hearth_status info(hearth_model* model, const hearth_sink* sink, hearth_error* error) {
    bool heard =
        emit(sink,
             "{\"context\":%ld,\"parallel\":1,\"operations\":[\"chat\",\"complete\"],\"chat_template\":true,"
             "\"memory\":{\"total_bytes\":%zu,\"devices\":{\"cpu\":{\"kind\":\"cpu\",\"weights\":0,\"kv\":0,"
             "\"compute\":%zu}}}}",
             model->context, sizeof(*model), sizeof(*model));
    return answered(error, heard);
}

static const void* get_extension(const char* id) {
    (void)id;
    return NULL;
}

const hearth_backend* hearth_backend_get(uint32_t host_abi_version) {
    /* clang-format off */
    static const hearth_backend table = {
        HEARTH_ABI_VERSION, sizeof(hearth_backend), "shout", "1.0", init, shutdown, describe, devices, estimate, load, unload,
        info, request_create, request_run, request_cancel, request_free, get_extension};
    /* clang-format on */
    return host_abi_version >= HEARTH_ABI_VERSION ? &table : NULL;
}
