#include "base/assertion_guard.h"

#include "base/error.h"

#include "ggml.h"

#include <cstdio>
#include <mutex>

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
