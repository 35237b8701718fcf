// Decode steps timed at a depth, for benchmarks.

#include "engine/context.h"

#include "base/clock.h"
#include "base/error.h"

timing_result context::time_steps(const timing_params & p, const task_flags & flags) {
    const abort_scope scope(*this, flags);
    use_repository(nullptr);
    check_tokens(p.tokens);
    check_attention(p.attention);
    if (p.n_steps < 1 || p.depth < 0 || p.depth + p.n_steps > params.n_ctx) {
        fail(ERROR_CONTEXT_FULL, "%d steps at %d tokens do not fit a context of %d", p.n_steps, p.depth, params.n_ctx);
    }
    if (p.depth > (int32_t) p.tokens.size() && p.tokens.size() < 2) {
        fail(ERROR_BAD_ARGUMENT, "at least two tokens are needed to repeat");
    }
    const int32_t n_real = std::min(p.depth, (int32_t) p.tokens.size());
    if (!std::equal(p.tokens.begin(), p.tokens.begin() + n_real, tokens.begin(), tokens.begin() + std::min<size_t>(n_real, tokens.size()))) {
        truncate(0);
    }
    truncate(std::min(n_real, (int32_t) tokens.size()));
    feed(p.tokens.data() + tokens.size(), n_real - (int32_t) tokens.size(), flags);
    if (p.depth > n_real) {
        kv.repeat_rows(n_real, p.depth);
        const std::vector<int32_t> filler(p.depth - n_real, p.tokens[0]);
        commit(filler.data(), (int32_t) filler.size());
    }
    timing_result r;
    int64_t bytes = 0;
    bool sparse = false;
    if (fasa) {
        fasa->times = {};
    }
    std::vector<float> logits(m->hp.n_vocab);
    for (int32_t i = 0; i < p.n_steps; i++) {
        const steady::time_point begin = steady::now();
        decoder_graph & g = run_step(p.tokens[i % p.tokens.size()], p.attention, bytes, sparse);
        ggml_backend_tensor_get(g.logits, logits.data(), 0, logits.size()*sizeof(float));
        r.step_ms.push_back(ms_since(begin));
        r.bytes_per_step += (double) bytes/p.n_steps;
        r.n_fasa_steps   += sparse;
    }
    if (fasa) {
        r.tip_ms       = fasa->times.tip/1e6/p.n_steps;
        r.selection_ms = fasa->times.selection/1e6/p.n_steps;
        r.fac_ms       = fasa->times.fac/1e6/p.n_steps;
    }
    truncate(n_real); // the repeated rows are no text
    return r;
}
