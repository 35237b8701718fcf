#pragma once

// Where a sequence is computed: its KV cache and the graphs over it, on the CPU (compute_cpu) or with a GPU (compute_gpu). The
// sequence counts the cached tokens and says with each call how many there are. Used by one thread at a time (the engine's).

#include "attention/attention.h"
#include "model/model.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

enum attention_mode { ATTENTION_DENSE,
    ATTENTION_FASA_C,
    ATTENTION_AUTO };

struct attention_params {
    attention_mode mode = ATTENTION_AUTO;
    int32_t budget = 256;  // tokens that FAC reads per KV head
    int32_t fasa_from = 0; // auto: FASA from this many cached tokens on
};

// Positions of a sequence that reads chunks: the anchor's tokens keep theirs, the others count from tail_position.
struct composition_params {
    int32_t n_anchor = 0;
    int32_t tail_position = 0;
};

struct sequence_params {
    int32_t n_ctx = 0; // max tokens
    std::optional<composition_params> composition;
    int32_t n_threads = 1;
    int32_t n_ubatch = 512;
    std::optional<calibration> calib; // needed for FASA
};

struct sequence_usage {
    int32_t n_tokens = 0, n_ctx = 0;
    int64_t full_bytes = 0, fast_bytes = 0, slow_bytes = 0, importance_bytes = 0;
};

struct step_cost {
    int64_t bytes = 0; // that attention read
    bool sparse = false;
};

// Hands out, for every stride-th token of a micro-batch, the rotated queries of each layer: q [n_head][head_size]
struct query_capture {
    int32_t stride = 1;
    std::function<void(int32_t il, int32_t position, const float * q)> visit;
};

struct compute {
    compute(std::shared_ptr<model> m, sequence_params params); // throws BAD_ARGUMENT, BAD_CALIBRATION
    virtual ~compute() = default;
    compute(const compute &) = delete;
    compute & operator=(const compute &) = delete;

    const std::shared_ptr<model> m;
    const sequence_params params;
    const std::atomic<bool> * abort = nullptr; // of the running task: checked between two nodes of a graph on the CPU

    // Both: n tokens after n_past cached ones. logits: of the last n_out of them, [n_out][n_vocab].
    // throws CANCELLED, OUT_OF_MEMORY, BACKEND, FILE_UNREADABLE; nothing of the micro-batch counts as cached then

    // Dense, and blind to the chunks. n_out: on a GPU at most 1. capture: on the CPU alone, or nullptr.
    virtual void run_batch(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, float * logits, const query_capture * capture) = 0;
    // As decoded tokens attend: by FASA or densely, to the chunks as well. More than one token: on the CPU alone.
    virtual step_cost run_steps(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, const attention_params & attention, float * logits) = 0;

    // Chunks that steps read, kept by the caller until the next call; nullptr: none. throws BAD_ARGUMENT, BAD_CHUNK
    virtual void use_chunks(const chunk_set * chunks) = 0;
    virtual void truncate(int32_t n_tokens) { (void) n_tokens; } // only these stay cached

    // Adds up the attention of decoded tokens, where it can be counted: on the CPU.
    virtual void count_attention(bool on) { (void) on; }
    virtual std::optional<attention_mass> counted_attention(int32_t n_tokens) const {
        (void) n_tokens;
        return std::nullopt;
    }

    virtual sequence_usage usage(int32_t n_tokens) const = 0; // safe from any thread
    virtual int64_t bytes_reserved() const = 0;               // of host memory

protected:
    bool uses_fasa(const attention_params & attention, int32_t n_readable) const;
    int32_t n_anchor() const { return params.composition ? std::max(params.composition->n_anchor, FASA_ANCHOR_TOKENS) : FASA_ANCHOR_TOKENS; }
};
