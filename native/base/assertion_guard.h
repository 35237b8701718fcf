#pragma once

// ggml and libllama end the process when an assertion fails. Every input is checked before it reaches them; this is the
// second line: while a guard lives on a thread, a failed assertion on that thread throws INTERNAL instead. Not for graph
// computation, where other threads would wait at a barrier for ever.

struct assertion_guard {
    assertion_guard();
    ~assertion_guard();
    assertion_guard(const assertion_guard &) = delete;
    assertion_guard & operator=(const assertion_guard &) = delete;
};
