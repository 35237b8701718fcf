// Decode steps timed at a depth, for benchmarks.

#include "bench/native/evaluate.h"

#include "base/clock.h"
#include "base/error.h"
#include "engine/compute/compute_cpu.h"
#include "engine/compute/compute_gpu.h"

#include <algorithm>
#include <cstring>

// Row t of n_to, of which the first n_from are there: token 0 is the sink and is not repeated.
static int32_t repeated_row(int32_t t, int32_t n_from) { return 1 + (t - n_from) % (n_from - 1); }

static void repeat_rows(kv_cache & kv, int32_t n_from, int32_t n_to) {
    for (int32_t il = 0; il < kv.hp.n_layer; il++) {
        for (int32_t head = 0; head < kv.hp.n_head_kv; head++) {
            uint16_t * base = const_cast<uint16_t *>(kv.rows(il, head));
            for (int32_t t = n_from; t < n_to; t++) {
                memcpy(base + t * kv.row_stride(), base + repeated_row(t, n_from) * kv.row_stride(), kv.row_stride() * sizeof(uint16_t));
            }
        }
    }
}

static void repeat_rows(ggml_tensor * t, int32_t n_from, int32_t n_to) {
    const size_t row = t->nb[1];
    std::vector<char> rows(row * n_to);
    ggml_backend_tensor_get(t, rows.data(), 0, row * n_from);
    for (int32_t i = n_from; i < n_to; i++) {
        std::copy_n(rows.begin() + row * repeated_row(i, n_from), row, rows.begin() + row * i);
    }
    ggml_backend_tensor_set(t, rows.data() + row * n_from, row * n_from, row * (n_to - n_from));
}

static void repeat_rows(gpu_cache & kv, int32_t n_from, int32_t n_to) {
    for (const auto * list : { &kv.k, &kv.v, &kv.importance }) {
        for (ggml_tensor * t : *list) {
            repeat_rows(t, n_from, n_to);
        }
    }
}

timing_result sequence_time_steps(sequence & s, const timing_params & p, const task_flags & flags) {
    const abort_scope scope(s, flags);
    s.use_chunks(nullptr);
    s.check(p.tokens, p.attention);
    if (p.n_steps < 1 || p.depth < 0 || p.depth + p.n_steps > s.params.n_ctx) {
        fail(ERROR_CONTEXT_FULL, "%d steps at %d tokens do not fit a context of %d", p.n_steps, p.depth, s.params.n_ctx);
    }
    if (p.depth > (int32_t) p.tokens.size() && p.tokens.size() < 2) {
        fail(ERROR_BAD_ARGUMENT, "at least two tokens are needed to repeat");
    }
    const int32_t n_real = std::min(p.depth, (int32_t) p.tokens.size());
    s.truncate(std::min(s.n_common(p.tokens), n_real));
    while (s.n_tokens() < n_real) {
        flags.check();
        s.run_batch(p.tokens.data() + s.n_tokens(), std::min(s.params.n_ubatch, n_real - s.n_tokens()), 0, nullptr);
    }
    compute_cpu * cpu = dynamic_cast<compute_cpu *>(s.where.get());
    if (p.depth > n_real) {
        if (cpu) {
            repeat_rows(cpu->kv, n_real, p.depth);
            if (s.params.calib) {
                cpu->kv.close_pages(p.depth, cpu->fasa->n_anchor, cpu->fasa->kernels);
            }
        } else {
            repeat_rows(dynamic_cast<compute_gpu &>(*s.where).kv, n_real, p.depth);
        }
        const std::vector<int32_t> filler(p.depth - n_real, p.tokens[0]);
        s.commit(filler.data(), (int32_t) filler.size());
    }
    fasa_session * fasa = cpu ? cpu->fasa.get() : nullptr;
    if (fasa) {
        fasa->times = {};
    }
    timing_result r;
    std::vector<float> logits(s.m.hp.n_vocab);
    for (int32_t i = 0; i < p.n_steps; i++) {
        flags.check();
        const steady::time_point begin = steady::now();
        const step_cost cost = s.run_steps(&p.tokens[i % p.tokens.size()], 1, 1, p.attention, logits.data());
        r.step_ms.push_back(ms_since(begin));
        r.bytes_per_step += (double) cost.bytes / p.n_steps;
        r.n_fasa_steps += cost.sparse;
    }
    if (fasa) {
        r.tip_ms = fasa->times.tip / 1e6 / p.n_steps;
        r.selection_ms = fasa->times.selection / 1e6 / p.n_steps;
        r.fac_ms = fasa->times.fac / 1e6 / p.n_steps;
    }
    s.truncate(n_real); // the repeated rows are no text
    return r;
}
