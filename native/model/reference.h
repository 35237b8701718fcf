#pragma once

// libllama over the same file, dense, on the CPU: what our own graph is compared with in tests and benchmarks.

#include "llama-cpp.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

struct reference {
    reference(const std::string & path, int32_t n_ctx, int32_t n_threads); // throws FILE_*, *_GGUF, BACKEND, OUT_OF_MEMORY

    // logits of positions >= from, [tokens - from][n_vocab]; throws BAD_ARGUMENT, CONTEXT_FULL, CANCELLED, BACKEND
    std::vector<float> evaluate(const std::vector<int32_t> & tokens, int32_t from, const std::atomic<bool> & abort);

private:
    llama_model_ptr   model;
    llama_context_ptr ctx;
    const std::atomic<bool> * abort = nullptr;
    static bool is_aborted(void * self);
};
