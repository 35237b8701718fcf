#include "base/error.h"

#include <cstdarg>
#include <cstdio>

const char * error_code_name(error_code code) {
    switch (code) {
        case ERROR_BAD_ARGUMENT:             return "BAD_ARGUMENT";
        case ERROR_FILE_NOT_FOUND:           return "FILE_NOT_FOUND";
        case ERROR_FILE_UNREADABLE:          return "FILE_UNREADABLE";
        case ERROR_NOT_GGUF:                 return "NOT_GGUF";
        case ERROR_BAD_GGUF:                 return "BAD_GGUF";
        case ERROR_UNSUPPORTED_ARCHITECTURE: return "UNSUPPORTED_ARCHITECTURE";
        case ERROR_UNSUPPORTED_MODEL:        return "UNSUPPORTED_MODEL";
        case ERROR_MISSING_TENSOR:           return "MISSING_TENSOR";
        case ERROR_WRONG_SHAPE:              return "WRONG_SHAPE";
        case ERROR_BAD_VOCABULARY:           return "BAD_VOCABULARY";
        case ERROR_BAD_CALIBRATION:          return "BAD_CALIBRATION";
        case ERROR_BAD_CHUNK:                return "BAD_CHUNK";
        case ERROR_OUT_OF_MEMORY:            return "OUT_OF_MEMORY";
        case ERROR_CONTEXT_FULL:             return "CONTEXT_FULL";
        case ERROR_TEXT_TOO_LONG:            return "TEXT_TOO_LONG";
        case ERROR_CANCELLED:                return "CANCELLED";
        case ERROR_DISPOSED:                 return "DISPOSED";
        case ERROR_BACKEND:                  return "BACKEND";
        case ERROR_INTERNAL:                 return "INTERNAL";
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
