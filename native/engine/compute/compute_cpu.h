#pragma once

// A sequence on the CPU: dense micro-batches by ggml's kernels, steps by our own (attention/attention.h).

#include "engine/compute/compute.h"
#include "graph/graph.h"
#include "kv/cache.h"
#include "model/backend.h"

#include <memory>
#include <vector>

struct compute_cpu : compute {
    compute_cpu(std::shared_ptr<model> m, sequence_params params); // throws BAD_ARGUMENT, BAD_CALIBRATION, OUT_OF_MEMORY, ...

    void run_batch(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, float * logits, const query_capture * capture) override;
    step_cost run_steps(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, const attention_params & attention, float * logits) override;
    void use_chunks(const chunk_set * chunks) override;
    void truncate(int32_t n_tokens) override { kv.truncate(n_tokens); }
    void count_attention(bool on) override;
    std::optional<attention_mass> counted_attention(int32_t n_tokens) const override;
    sequence_usage usage(int32_t n_tokens) const override;
    int64_t bytes_reserved() const override { return kv.bytes_reserved(); }

    kv_cache kv;
    std::unique_ptr<fasa_session> fasa; // for FASA steps, and for dense ones where it is faster; else nullptr

private:
    cpu_backend backend;
    std::unique_ptr<decoder_graph> batch_graph, late_graph, step_graph; // reused while their shapes stay

    decoder_graph & prepared(std::unique_ptr<decoder_graph> & held, const graph_shape & shape);
    int32_t position(int32_t cell) const;
    void set_inputs(decoder_graph & g, const int32_t * ids, int32_t n_past) const;
    void run(decoder_graph & g, int32_t n_past, float * logits);
};
