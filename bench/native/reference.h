#pragma once

// libllama over the same file, dense, on the CPU: what our own graph is compared with in tests and benchmarks.

#include "llama-cpp.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

struct reference_params {
    int32_t n_ctx = 0;
    int32_t n_threads = 1;
    bool q8_0_cache = false; // else f16
    bool flash = true;       // a q8_0 cache needs it
};

struct reference {
    reference(const std::string & path, const reference_params & params); // throws FILE_*, *_GGUF, BACKEND, OUT_OF_MEMORY

    // logits of positions >= from, [tokens - from][n_vocab]; throws BAD_ARGUMENT, CONTEXT_FULL, CANCELLED, BACKEND
    std::vector<float> evaluate(const std::vector<int32_t> & tokens, int32_t from, const std::atomic<bool> & abort);

    // Milliseconds of decode steps at a depth. Deeper than the tokens prefilled: their cells are repeated through a saved
    // state, so the text means nothing. throws as evaluate
    std::vector<double> time_steps(const std::vector<int32_t> & tokens, int32_t depth, int32_t n_steps, const std::atomic<bool> & abort);
    // milliseconds of prefilling an empty cache with the tokens
    double time_prefill(const std::vector<int32_t> & tokens, const std::atomic<bool> & abort);

private:
    void check_tokens(const std::vector<int32_t> & tokens, int32_t n_more) const;
    void decode(const int32_t * tokens, int32_t n, int32_t n_past, int32_t from, float * logits);
    void repeat_cells(int32_t n_from, int32_t n_to);

    llama_model_ptr model;
    llama_context_ptr ctx;
    const std::atomic<bool> * abort = nullptr;
    static bool is_aborted(void * self);
};
