#pragma once

// One sequence of tokens over a model: its KV cache, feeding, decoding. Used by one thread at a time (the engine's).

#include "attention/attention.h"
#include "engine/policy.h"
#include "engine/sampler.h"
#include "engine/sequence.h"
#include "graph/graph.h"
#include "kv/cache.h"
#include "model/model.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

enum attention_mode { ATTENTION_DENSE, ATTENTION_FASA_C, ATTENTION_AUTO };

struct attention_params {
    attention_mode mode        = ATTENTION_AUTO;
    int32_t        budget      = 256; // tokens that FAC reads per KV head
    int32_t        fasa_from   = 0;   // auto: FASA from this many cached tokens on
};

// Positions of a sequence that chunks are read beside: the anchor's tokens keep theirs, the others count from tail_position.
struct composition_params {
    int32_t n_anchor      = 0;
    int32_t tail_position = 0;
};

struct context_params {
    int32_t n_ctx     = 0; // most tokens
    std::optional<composition_params> composition;
    int32_t n_threads = 1;
    int32_t n_ubatch  = 512;
    std::optional<calibration> calib; // needed for FASA
};

struct generate_params {
    std::vector<int32_t> tokens;
    std::vector<int32_t> stop_tokens;
    int32_t              n_max = 0;
    sampling_params      sampling;
    attention_params     attention;
    std::shared_ptr<const kv_repository> repository; // needs a composition
    bool                 looking = false;
};

struct generate_events {
    std::function<void(int32_t n_fed, int32_t n_total)> progress;
    std::function<void(int32_t token)>                  token;
};

enum end_reason { END_LENGTH, END_STOP_TOKEN, END_STOPPED, END_CONTEXT_FULL };

struct generate_result {
    std::vector<int32_t> tokens;
    end_reason reason = END_LENGTH;
    int32_t n_reused = 0, n_fed = 0, n_steps = 0, n_fasa_steps = 0;
    double  prefill_ms = 0, first_token_ms = 0, decode_ms = 0;
    double  bytes_per_step = 0; // mean bytes that attention read in a decode step
    std::optional<fasa_looks> looked; // with looking, where there is a fasa_session
};

struct evaluate_params {
    std::vector<int32_t> tokens;
    int32_t              from     = 0;     // logits of positions >= from
    bool                 stepwise = false; // those positions one by one
    attention_params     attention;        // of the steps
    fasa_policy          policy   = POLICY_FASA; // how sparse steps choose
    std::shared_ptr<const kv_repository> repository; // seen from n_late tokens before `from` on
};

// Decode steps timed at a depth. Deeper than the tokens fed: their rows are repeated, so the text means nothing.
struct timing_params {
    std::vector<int32_t> tokens;  // fed first, at least 2
    int32_t              depth   = 0; // cached tokens at the first step
    int32_t              n_steps = 0;
    attention_params     attention;
};

struct timing_result {
    std::vector<double> step_ms;
    double  bytes_per_step = 0;
    int32_t n_fasa_steps   = 0;
    double  tip_ms = 0, selection_ms = 0, fac_ms = 0; // mean of a step, first thread of the pool
};

// Steps over the last cached tokens, again with FASA and again dense; they stay in the cache.
struct measure_params {
    int32_t n_steps = 0;
    int32_t budget  = 0;
};

struct measure_result {
    int32_t n_tokens = 0;                   // cached before the first step
    std::vector<double> fasa_ms, dense_ms;  // of each step; the first of each may build its graph
    std::vector<double> kl;                 // of the next-token distribution to the dense one, in nats
    int32_t n_agreeing = 0;                 // steps with the same most likely token
};

struct context_usage {
    int32_t n_tokens = 0, n_ctx = 0;
    int64_t full_bytes = 0, fast_bytes = 0, slow_bytes = 0, importance_bytes = 0;
};

// the two ways out of a task before its end
struct task_flags {
    std::atomic<bool> abort = false; // between two graph nodes: throws CANCELLED
    std::atomic<bool> stop  = false; // after the token being computed
};

struct context : sequence {
    context(std::shared_ptr<model> m, context_params params); // throws BAD_ARGUMENT, BAD_CALIBRATION, OUT_OF_MEMORY, ...

    generate_result    generate(const generate_params & params, const task_flags & flags, const generate_events & events) override;
    std::vector<float> evaluate(const evaluate_params & params, const task_flags & flags) override; // [tokens - from][n_vocab]
    timing_result      time_steps(const timing_params & params, const task_flags & flags) override;
    measure_result     measure(const measure_params & params, const task_flags & flags) override;
    void               clear() override;

    // Feeds tokens from an empty cache and hands out, for every stride-th position, the rotated queries of each layer.
    // q [n_head][head_size]; the keys are in cache().
    using query_visitor = std::function<void(int32_t il, int32_t position, const float * q)>;
    void capture_queries(const std::vector<int32_t> & tokens, int32_t stride, const task_flags & flags,
        const query_visitor & visit, const std::function<void(int32_t n_fed)> & progress);

    const kv_cache & cache() const { return kv; }
    context_usage    usage() const override;
    int64_t          bytes_reserved() const override { return kv.bytes_reserved(); }

private:
    std::shared_ptr<model>        m;
    context_params                params;
    kv_cache                      kv;
    std::unique_ptr<fasa_session> fasa; // for FASA steps, and for dense ones where it is faster
    const std::atomic<bool> *     abort = nullptr; // of the running task
    cpu_compute                   compute;
    std::unique_ptr<decoder_graph> batch_graph, late_graph, step_graph; // reused while their shapes stay
    std::shared_ptr<const kv_repository> repository; // that the last request read
    std::vector<int32_t>          tokens;   // whose keys and values are in the cache
    int32_t                       n_batched = 0; // the first of them: computed in dense micro-batches
    std::atomic<int32_t>          n_cached = 0;
    std::unique_ptr<agreement_counter> agreement; // of agreed_tokens
    std::vector<int32_t>          agreed_tokens;

    void    count_agreement(const std::vector<int32_t> & prefix, int32_t k, const task_flags & flags);
    void    check_attention(const attention_params & attention) const;
    void    feed(const int32_t * ids, int32_t n, const task_flags & flags);
    void    check_tokens(const std::vector<int32_t> & list) const;
    void    truncate(int32_t n);
    bool    uses_fasa(const attention_params & attention, int32_t n_kv) const;
    int64_t dense_bytes(int32_t n_kv) const;
    decoder_graph & prepared(std::unique_ptr<decoder_graph> & slot, const graph_shape & shape);
    decoder_graph & run_batch(const int32_t * ids, int32_t n, int32_t n_out, const std::vector<int32_t> & capture);
    decoder_graph & run_step(int32_t id, const attention_params & attention, int64_t & bytes_read, bool & sparse);
    // a few tokens that attend as a decoded one does, to chunks as well
    decoder_graph & run_late(const int32_t * ids, int32_t n, int32_t n_out, const attention_params & attention);
    decoder_graph & prepared_fasa(const int32_t * ids, int32_t n, int32_t n_out, bool sparse, int32_t budget);
    void    use_repository(std::shared_ptr<const kv_repository> r);
    static void check_chunks(const kv_repository & r); // throws BAD_CHUNK for a file that was cut short or replaced
    int32_t first_late(int32_t end) const; // the first of the tokens before end that sees the chunks
    int32_t position(int32_t cell) const;
    int32_t n_anchor() const { return params.composition ? std::max(params.composition->n_anchor, FASA_ANCHOR_TOKENS) : FASA_ANCHOR_TOKENS; }
    void    set_positions(decoder_graph & g, int32_t n_past) const;
    void    commit(const int32_t * ids, int32_t n);
    friend struct abort_scope;
    friend struct policy_scope;
};

// the compute backend looks at the running task's flag only
struct abort_scope {
    context & c;
    abort_scope(context & c, const task_flags & flags) : c(c) { c.abort = &flags.abort; }
    ~abort_scope() { c.abort = nullptr; }
};

// sparse steps choose by another policy (nullptr: by importance keys)
struct policy_scope {
    context & c;
    policy_scope(context & c, const choice_policy * policy) : c(c) { set(policy); }
    ~policy_scope() { set(nullptr); }

private:
    void set(const choice_policy * policy) {
        if (c.fasa) {
            c.fasa->policy = policy;
        }
    }
};
