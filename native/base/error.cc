#include "base/error.h"

#include "ggml.h"

#include <cstdarg>
#include <cstdio>
#include <mutex>

const char * error_code_name(error_code code) {
    switch (code) {
        case ERROR_BAD_ARGUMENT: return "BAD_ARGUMENT";
        case ERROR_FILE_NOT_FOUND: return "FILE_NOT_FOUND";
        case ERROR_FILE_UNREADABLE: return "FILE_UNREADABLE";
        case ERROR_NOT_GGUF: return "NOT_GGUF";
        case ERROR_BAD_GGUF: return "BAD_GGUF";
        case ERROR_UNSUPPORTED_ARCHITECTURE: return "UNSUPPORTED_ARCHITECTURE";
        case ERROR_UNSUPPORTED_MODEL: return "UNSUPPORTED_MODEL";
        case ERROR_MISSING_TENSOR: return "MISSING_TENSOR";
        case ERROR_WRONG_SHAPE: return "WRONG_SHAPE";
        case ERROR_BAD_VOCABULARY: return "BAD_VOCABULARY";
        case ERROR_BAD_CALIBRATION: return "BAD_CALIBRATION";
        case ERROR_BAD_CHUNK: return "BAD_CHUNK";
        case ERROR_OUT_OF_MEMORY: return "OUT_OF_MEMORY";
        case ERROR_CONTEXT_FULL: return "CONTEXT_FULL";
        case ERROR_TEXT_TOO_LONG: return "TEXT_TOO_LONG";
        case ERROR_CANCELLED: return "CANCELLED";
        case ERROR_DISPOSED: return "DISPOSED";
        case ERROR_BACKEND: return "BACKEND";
        case ERROR_INTERNAL: return "INTERNAL";
    }
    return "INTERNAL";
}

static std::string format_list(const char * fmt, va_list args) {
    char buf[1024];
    vsnprintf(buf, sizeof(buf), fmt, args);
    return buf;
}

std::string format(const char * fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const std::string text = format_list(fmt, args);
    va_end(args);
    return text;
}

void fail(error_code code, const char * fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const std::string text = format_list(fmt, args);
    va_end(args);
    throw native_error(code, text);
}

static thread_local int guard_depth = 0;

static void on_assertion(const char * message) {
    if (guard_depth > 0) {
        throw native_error(ERROR_INTERNAL, message);
    }
    fprintf(stderr, "%s\n", message); // the process ends now: leave a trace
}

assertion_guard::assertion_guard() {
    static std::once_flag once;
    std::call_once(once, [] { ggml_set_abort_callback(on_assertion); });
    guard_depth++;
}

assertion_guard::~assertion_guard() {
    guard_depth--;
}
