#pragma once

// One sequence of tokens over a model whose weights lie on a GPU: what `context` is on the CPU. Prefill and steps below the
// length from which FASA pays are dense; others choose their tokens by importance keys on the device.

#include "engine/context.h"
#include "graph/gpu_graph.h"
#include "kv/gpu_cache.h"

#include <memory>
#include <vector>

struct gpu_context : sequence {
    // rows_on_host: fasa-m, keys and values in host memory. throws BAD_ARGUMENT, BAD_CALIBRATION, OUT_OF_MEMORY, BACKEND
    gpu_context(std::shared_ptr<model> m, context_params params, bool rows_on_host);

    // as those of context
    generate_result    generate(const generate_params & params, const task_flags & flags, const generate_events & events) override;
    std::vector<float> evaluate(const evaluate_params & params, const task_flags & flags) override;
    timing_result      time_steps(const timing_params & params, const task_flags & flags) override;
    measure_result     measure(const measure_params & params, const task_flags & flags) override;
    void               clear() override;
    context_usage      usage() const override;
    int64_t            bytes_reserved() const override { return kv.bytes_on_host(); }

private:
    std::shared_ptr<model>     m;
    context_params             params;
    gpu_cache                  kv;
    ggml_backend_ptr           device; // nullptr: the CPU
    const std::atomic<bool> *  abort = nullptr; // of the running task; looked at by what runs on the CPU
    cpu_compute                cpu;
    std::unique_ptr<gpu_graph> batch_graph, step_graph; // reused while their shapes stay
    std::vector<int32_t>       tokens;   // whose keys and values are in the cache
    int32_t                    n_batched = 0; // the first of them: computed in dense micro-batches
    std::atomic<int32_t>       n_cached = 0;
    std::vector<float>         logits;   // [n_vocab] of the last token

    struct abort_scope;
    void check_tokens(const std::vector<int32_t> & list) const;
    void check_attention(const attention_params & attention) const;
    bool uses_fasa(const attention_params & attention, int32_t n_kv) const;
    void truncate(int32_t n);
    gpu_graph & prepared(std::unique_ptr<gpu_graph> & slot, const gpu_graph_shape & shape);
    void set_inputs(gpu_graph & g, const int32_t * ids);
    void run_batch(const int32_t * ids, int32_t n, bool wants_logits);
    void run_step(int32_t id, const attention_params & attention, int64_t & bytes_read, bool & sparse);
    void feed(const std::vector<int32_t> & list, int32_t end, const task_flags & flags, const std::function<void(int32_t)> & fed);
};
