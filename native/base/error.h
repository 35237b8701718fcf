#pragma once

// Typed errors of the native side. They are thrown inside a task and caught at its edge (engine/worker.cc, addon/addon.cc):
// none crosses the Node boundary. The names are those of NativeErrorCode in language-server/engine/native/addon.ts.

#include <stdexcept>
#include <string>

enum error_code {
    ERROR_BAD_ARGUMENT,
    ERROR_FILE_NOT_FOUND,
    ERROR_FILE_UNREADABLE,
    ERROR_NOT_GGUF,
    ERROR_BAD_GGUF,
    ERROR_UNSUPPORTED_ARCHITECTURE,
    ERROR_UNSUPPORTED_MODEL,
    ERROR_MISSING_TENSOR,
    ERROR_WRONG_SHAPE,
    ERROR_BAD_VOCABULARY,
    ERROR_BAD_CALIBRATION,
    ERROR_BAD_CHUNK,
    ERROR_OUT_OF_MEMORY,
    ERROR_CONTEXT_FULL,
    ERROR_TEXT_TOO_LONG,
    ERROR_CANCELLED,
    ERROR_DISPOSED,
    ERROR_BACKEND,
    ERROR_INTERNAL,
};

struct native_error : std::runtime_error {
    error_code code;
    native_error(error_code code, const std::string & text) : std::runtime_error(text), code(code) {}
};

const char * error_code_name(error_code code);

std::string format(const char * fmt, ...) __attribute__((format(printf, 1, 2)));

[[noreturn]] void fail(error_code code, const char * fmt, ...) __attribute__((format(printf, 2, 3)));

// ggml and libllama end the process when an assertion fails. Every input is checked before it reaches them; this is the
// second line: while a guard lives on a thread, a failed assertion on that thread throws INTERNAL instead. Not for graph
// computation, where other threads would wait at a barrier for ever.

struct assertion_guard {
    assertion_guard();
    ~assertion_guard();
    assertion_guard(const assertion_guard &) = delete;
    assertion_guard & operator=(const assertion_guard &) = delete;
};
