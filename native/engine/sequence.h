#pragma once

// One sequence of tokens over a model: prefill, decoding, measuring, wherever it is computed. Used by one thread at a time
// (the engine's), but for usage().

#include "engine/compute/compute.h"
#include "engine/sampler.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

struct generate_params {
    std::vector<int32_t> tokens;
    std::vector<int32_t> stop_tokens;
    int32_t n_max = 0;
    sampling_params sampling;
    attention_params attention;
    std::shared_ptr<const chunk_set> chunks; // needs a composition
    bool count_attention = false;
};

struct generate_events {
    std::function<void(int32_t n_prefilled, int32_t n_total)> progress;
    std::function<void(int32_t token)> token;
};

enum end_reason { END_LENGTH,
    END_STOP_TOKEN,
    END_STOPPED,
    END_CONTEXT_FULL };

struct generate_result {
    std::vector<int32_t> tokens;
    end_reason reason = END_LENGTH;
    int32_t n_reused = 0, n_prefilled = 0, n_steps = 0, n_fasa_steps = 0;
    double prefill_ms = 0, first_token_ms = 0, decode_ms = 0;
    double bytes_per_step = 0;               // mean bytes that attention read in a decode step
    std::optional<attention_mass> attention; // of the decoded tokens, with count_attention on the CPU
};

// Steps over the last cached tokens, again with FASA and again dense; they stay in the cache.
struct measure_params {
    int32_t n_steps = 0;
    int32_t budget = 0;
};

struct measure_result {
    int32_t n_tokens = 0;                  // readable before the first step
    std::vector<double> fasa_ms, dense_ms; // of each step; the first of each may build its graph
    std::vector<double> kl;                // of the next-token distribution to the dense one, in nats
    int32_t n_agreeing = 0;                // steps with the same most likely token
};

// the two ways out of a task before its end
struct task_flags {
    std::atomic<bool> abort = false; // between two graph nodes: throws CANCELLED
    std::atomic<bool> stop = false;  // after the token being computed

    void check() const; // throws CANCELLED once abort is set
};

struct sequence {
    explicit sequence(std::unique_ptr<compute> where);
    // Where the model's weights lie. rows_on_host: on a GPU, keys and values stay in host memory (fasa-m).
    // throws BAD_ARGUMENT, BAD_CALIBRATION, OUT_OF_MEMORY, BACKEND
    static std::shared_ptr<sequence> over(std::shared_ptr<model> m, sequence_params params, bool rows_on_host);

    // throws BAD_ARGUMENT, CONTEXT_FULL, CANCELLED, ...: the tokens cached so far stay, and stay consistent
    generate_result generate(const generate_params & params, const task_flags & flags, const generate_events & events);
    // throws BAD_CALIBRATION; BAD_ARGUMENT when there are too few cached tokens to choose from; CANCELLED
    measure_result measure(const measure_params & params, const task_flags & flags);
    // Prefills an empty cache with these tokens, and hands out queries on the way. On the CPU alone.
    void capture_queries(const std::vector<int32_t> & tokens, const query_capture & capture, const task_flags & flags,
        const std::function<void(int32_t n_prefilled)> & progress);

    sequence_usage usage() const { return where->usage(n_cached); } // safe from any thread
    int64_t bytes_reserved() const { return where->bytes_reserved(); }

    // What these are made of. A step's tokens are cached once it succeeded. logits: [n_out][n_vocab]
    void check(const std::vector<int32_t> & tokens, const attention_params & attention) const; // throws BAD_ARGUMENT, CONTEXT_FULL, BAD_CALIBRATION
    void use_chunks(std::shared_ptr<const chunk_set> chunks);
    void truncate(int32_t n);
    void run_batch(const int32_t * ids, int32_t n, int32_t n_out, float * logits, const query_capture * capture = nullptr);
    step_cost run_steps(const int32_t * ids, int32_t n, int32_t n_out, const attention_params & attention, float * logits);
    void commit(const int32_t * ids, int32_t n); // counts tokens whose rows are in the cache now
    int32_t n_tokens() const { return (int32_t) tokens.size(); }
    int32_t n_chunk_tokens() const { return chunks ? chunks->n_tokens() : 0; }
    int32_t n_common(const std::vector<int32_t> & list) const; // cached tokens that it begins with
    int32_t first_late(int32_t end) const;                     // the first of the tokens before `end` that sees the chunks
    int32_t n_batched() const { return n_in_batches; }         // the first of the cached tokens: computed in dense micro-batches

    const std::unique_ptr<compute> where;
    const model & m;
    const sequence_params & params;

private:
    std::vector<int32_t> tokens; // whose keys and values are in the cache
    int32_t n_in_batches = 0;
    std::atomic<int32_t> n_cached = 0;
    std::shared_ptr<const chunk_set> chunks; // that the last request read

    void prefill(const generate_params & p, const task_flags & flags, const generate_events & events, float * logits, generate_result & r);
    void decode(const generate_params & p, const task_flags & flags, const generate_events & events, std::vector<float> & logits, generate_result & r,
        std::chrono::steady_clock::time_point begin);
};

// While it lives, what computes looks at the flag of the running task.
struct abort_scope {
    const std::atomic<bool> *& slot;
    abort_scope(const std::atomic<bool> *& slot, const task_flags & flags) : slot(slot) { slot = &flags.abort; }
    abort_scope(sequence & s, const task_flags & flags) : abort_scope(s.where->abort, flags) {}
    ~abort_scope() { slot = nullptr; }
    abort_scope(const abort_scope &) = delete;
    abort_scope & operator=(const abort_scope &) = delete;
};
