#pragma once

// Attention alone, on random keys and values of any shape: what its stages cost for models that are not there.

#include <atomic>
#include <cstdint>
#include <vector>

struct synthetic_params {
    int32_t head_size = 0; // even, at most FASA_HEAD_SIZE_MAX
    int32_t n_head_kv = 0;
    int32_t n_group = 0; // query heads of a KV head
    int32_t depth = 0;   // cached tokens
    int32_t budget = 0;
    int32_t n_dominant = 0; // dominant FCs of a KV head
    int32_t n_threads = 1;
    int32_t n_turns = 0;
};

// milliseconds are of one layer
struct synthetic_result {
    std::vector<double> flash_ms; // dense: ggml's fused attention, a time a turn
    std::vector<double> exact_ms; // dense: FAC over all tokens
    std::vector<double> fasa_ms;
    double tip_ms = 0, selection_ms = 0, fac_ms = 0; // means, first thread of the pool
    int64_t dense_bytes = 0, fasa_bytes = 0;         // read in a step
};

// throws BAD_ARGUMENT, OUT_OF_MEMORY, CANCELLED
synthetic_result synthetic_time(const synthetic_params & params, const std::atomic<bool> & abort);
