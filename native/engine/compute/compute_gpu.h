#pragma once

// A sequence over a model whose weights lie on a GPU. Prefill and steps below the length from which FASA pays are dense; others
// choose their tokens by importance keys on the device. Chunks are not read there.

#include "engine/compute/compute.h"
#include "graph/gpu_graph.h"
#include "kv/gpu_cache.h"
#include "model/backend.h"

#include <memory>

struct compute_gpu : compute {
    // rows_on_host: fasa-m, keys and values in host memory. throws BAD_ARGUMENT, BAD_CALIBRATION, OUT_OF_MEMORY, BACKEND
    compute_gpu(std::shared_ptr<model> m, sequence_params params, bool rows_on_host);

    void run_batch(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, float * logits, const query_capture * capture) override;
    step_cost run_steps(const int32_t * ids, int32_t n, int32_t n_past, int32_t n_out, const attention_params & attention, float * logits) override;
    void use_chunks(const chunk_set * chunks) override;
    sequence_usage usage(int32_t n_tokens) const override;
    int64_t bytes_reserved() const override { return kv.bytes_on_host(); }

    gpu_cache kv;

private:
    ggml_backend_ptr device; // nullptr: the CPU
    cpu_backend cpu;
    std::unique_ptr<gpu_graph> batch_graph, step_graph; // reused while their shapes stay

    void run(std::unique_ptr<gpu_graph> & held, const gpu_graph_shape & shape, const int32_t * ids, int32_t n_past, float * logits);
    void set_inputs(gpu_graph & g, const int32_t * ids, int32_t n_past);
};
