#include "engine/gpu_context.h"

#include "base/assertion_guard.h"
#include "base/error.h"
#include "engine/decode.h"
#include "engine/divergence.h"

#include <algorithm>
#include <cmath>

static void check_abort(const task_flags & flags) {
    if (flags.abort) {
        fail(ERROR_CANCELLED, "cancelled");
    }
}

static void check_repository(const kv_repository * r) {
    if (r && !r->chunks.empty()) {
        fail(ERROR_BAD_ARGUMENT, "chunks are read by contexts on the CPU alone");
    }
}

struct gpu_context::abort_scope {
    gpu_context & c;
    abort_scope(gpu_context & c, const task_flags & flags) : c(c) { c.abort = &flags.abort; }
    ~abort_scope() { c.abort = nullptr; }
};

gpu_context::gpu_context(std::shared_ptr<model> model, context_params p, bool rows_on_host) :
    m(std::move(model)), params(std::move(p)),
    kv(m->hp, m->device, params.n_ctx, rows_on_host, params.calib ? &*params.calib : nullptr),
    device(m->device == backend_cpu_device() ? nullptr : ggml_backend_dev_init(m->device, nullptr)), cpu(params.n_threads, &abort), logits(m->hp.n_vocab) {
    if (!device && m->device != backend_cpu_device()) {
        fail(ERROR_BACKEND, "the device %s cannot be used", ggml_backend_dev_name(m->device));
    }
    if (params.calib) {
        calibration_check(*params.calib, m->hp);
    }
    if (params.composition) {
        fail(ERROR_BAD_ARGUMENT, "chunks are read by contexts on the CPU alone");
    }
}

void gpu_context::check_tokens(const std::vector<int32_t> & list) const {
    if (list.empty()) {
        fail(ERROR_BAD_ARGUMENT, "there are no tokens to feed");
    }
    if (list.size() > (size_t) params.n_ctx) {
        fail(ERROR_CONTEXT_FULL, "%zu tokens do not fit a context of %d", list.size(), params.n_ctx);
    }
    for (const int32_t id : list) {
        if (id < 0 || id >= m->hp.n_vocab) {
            fail(ERROR_BAD_ARGUMENT, "there is no token %d", id);
        }
    }
}

void gpu_context::check_attention(const attention_params & attention) const {
    if (attention.budget < 1) {
        fail(ERROR_BAD_ARGUMENT, "a budget of %d tokens is not possible", attention.budget);
    }
    if (attention.mode == ATTENTION_FASA_C && !params.calib) {
        fail(ERROR_BAD_CALIBRATION, "FASA attention needs a calibration of this model");
    }
}

bool gpu_context::uses_fasa(const attention_params & attention, int32_t n_kv) const {
    if (attention.mode == ATTENTION_DENSE || !params.calib || n_kv <= attention.budget) {
        return false; // with a budget for all tokens there is nothing to choose
    }
    return attention.mode == ATTENTION_FASA_C || n_kv >= attention.fasa_from;
}

void gpu_context::truncate(int32_t n) {
    tokens.resize(n);
    n_batched = std::min(n_batched, n);
    n_cached  = n;
}

void gpu_context::clear() { truncate(0); }

gpu_graph & gpu_context::prepared(std::unique_ptr<gpu_graph> & slot, const gpu_graph_shape & shape) {
    if (!slot || !(slot->shape == shape)) {
        assertion_guard guard;
        slot.reset(); // its memory first
        slot = std::make_unique<gpu_graph>(*m, kv, device ? device.get() : cpu.backend.get(), cpu.backend.get(), shape);
    }
    return *slot;
}

template <typename T> static void set_input(ggml_tensor * t, const std::vector<T> & data) {
    if (t && t->buffer) { // an input that no op of the graph reads has no memory
        ggml_backend_tensor_set(t, data.data(), 0, ggml_nbytes(t));
    }
}

// Rows of the embedding are looked up here: the table stays in the mapped file, and any type that ggml knows will do.
static std::vector<float> embeddings_of(const model & m, const int32_t * ids, int32_t n) {
    const ggml_tensor * table = m.tok_embd;
    const size_t width = m.hp.n_embd;
    std::vector<float> rows(width*n);
    const auto to_float = ggml_get_type_traits(table->type)->to_float;
    for (int32_t i = 0; i < n; i++) {
        const char * row = (const char *) table->data + (size_t) ids[i]*table->nb[1];
        if (table->type == GGML_TYPE_F32) {
            std::copy_n((const float *) row, width, rows.data() + i*width);
        } else {
            to_float(row, rows.data() + i*width, width);
        }
    }
    return rows;
}

void gpu_context::set_inputs(gpu_graph & g, const int32_t * ids) {
    assertion_guard guard;
    const int32_t n = g.shape.n_tokens, n_past = (int32_t) tokens.size(), n_kv = g.shape.n_kv;
    std::vector<int32_t> positions(n);
    std::vector<int64_t> cells(n);
    for (int32_t i = 0; i < n; i++) {
        positions[i] = n_past + i;
        cells[i]     = n_past + i;
    }
    set_input(g.embeddings, embeddings_of(*m, ids, n));
    set_input(g.positions,  positions);
    set_input(g.cells,      cells);
    if (g.shape.budget == 0) {
        std::vector<ggml_fp16_t> mask((size_t) n_kv*n, ggml_fp32_to_fp16(-INFINITY));
        for (int32_t i = 0; i < n; i++) {
            std::fill_n(mask.begin() + (size_t) i*n_kv, n_past + i + 1, (ggml_fp16_t) 0);
        }
        set_input(g.mask, mask);
        return;
    }
    const int32_t n_seen = n_past + 1, n_group = m->hp.n_group();
    std::vector<float> mask((size_t) n_kv*n_group, -INFINITY);
    for (int32_t h = 0; h < n_group; h++) {
        std::fill_n(mask.begin() + (size_t) h*n_kv, n_seen, 0.0f);
    }
    // importance is a sum of shares, at most n_group: more than that is always read, less than nothing never
    const float most = 4.0f*n_group;
    const int32_t n_anchor = std::min(FASA_ANCHOR_TOKENS, g.shape.budget);
    const int32_t n_window = std::min(FASA_WINDOW_TOKENS, g.shape.budget - n_anchor);
    std::vector<float> always(n_kv, -most);
    std::fill_n(always.begin(), n_seen, 0.0f);
    std::fill_n(always.begin(), n_anchor, most);
    std::fill_n(always.begin() + n_seen - n_window, n_window, most);
    set_input(g.mask,   mask);
    set_input(g.always, always);
}

void gpu_context::run_batch(const int32_t * ids, int32_t n, bool wants_logits) {
    const int32_t n_past = (int32_t) tokens.size();
    gpu_graph_shape shape;
    shape.n_tokens = n;
    shape.n_kv     = (n_past + n + KV_CELL_STEP - 1)/KV_CELL_STEP*KV_CELL_STEP;
    shape.logits   = wants_logits;
    gpu_graph & g = prepared(n == 1 ? step_graph : batch_graph, shape);
    m->check_file();
    set_inputs(g, ids);
    g.run();
    if (wants_logits) {
        ggml_backend_tensor_get(g.logits, logits.data(), 0, logits.size()*sizeof(float));
    }
    if (n > 1 && n_batched == n_past) {
        n_batched += n;
    }
    tokens.insert(tokens.end(), ids, ids + n);
    n_cached = (int32_t) tokens.size();
}

void gpu_context::run_step(int32_t id, const attention_params & attention, int64_t & bytes_read, bool & sparse) {
    const int32_t n_kv = (int32_t) tokens.size() + 1;
    sparse = uses_fasa(attention, n_kv);
    if (!sparse) {
        bytes_read = kv.row_bytes()*n_kv;
        return run_batch(&id, 1, true);
    }
    gpu_graph_shape shape;
    shape.n_tokens = 1;
    shape.n_kv     = (n_kv + KV_CELL_STEP - 1)/KV_CELL_STEP*KV_CELL_STEP;
    shape.logits   = true;
    shape.budget   = attention.budget;
    gpu_graph & g = prepared(step_graph, shape);
    m->check_file();
    set_inputs(g, &id);
    g.run();
    ggml_backend_tensor_get(g.logits, logits.data(), 0, logits.size()*sizeof(float));
    tokens.push_back(id);
    n_cached   = (int32_t) tokens.size();
    bytes_read = kv.importance_bytes()*n_kv + kv.row_bytes()*attention.budget;
}

// tokens of the list that are not cached yet, up to `end`; the last one's logits are kept
void gpu_context::feed(const std::vector<int32_t> & list, int32_t end, const task_flags & flags, const std::function<void(int32_t)> & fed) {
    while ((int32_t) tokens.size() < end) {
        check_abort(flags);
        const int32_t at = (int32_t) tokens.size(), n = std::min(params.n_ubatch, end - at);
        run_batch(list.data() + at, n, at + n == end);
        fed(n);
    }
}

generate_result gpu_context::generate(const generate_params & p, const task_flags & flags, const generate_events & events) {
    const steady::time_point begin = steady::now();
    const abort_scope scope(*this, flags);
    check_tokens(p.tokens);
    check_attention(p.attention);
    check_repository(p.repository.get());
    generate_result r;

    // the last token is always fed: its logits choose the first new one
    const size_t n_common = std::mismatch(tokens.begin(), tokens.end(), p.tokens.begin(), p.tokens.end()).first - tokens.begin();
    r.n_reused = (int32_t) std::min(n_common, p.tokens.size() - 1);
    truncate(r.n_reused);
    const int32_t n_total = (int32_t) p.tokens.size() - r.n_reused;
    const auto told = [&](int32_t n) {
        r.n_fed += n;
        if (events.progress) {
            events.progress(r.n_fed, n_total);
        }
    };
    if (n_total == 1) {
        step_cost unused; // no decode step
        run_step(p.tokens.back(), p.attention, unused.bytes, unused.sparse);
        told(1);
    } else {
        feed(p.tokens, (int32_t) p.tokens.size(), flags, told);
    }
    r.prefill_ms = ms_since(begin);

    const auto feed_one = [&](int32_t id) {
        step_cost cost;
        run_step(id, p.attention, cost.bytes, cost.sparse);
        return cost;
    };
    decode({ [&] { return (int32_t) tokens.size() >= params.n_ctx; }, feed_one, logits }, p, flags, events, begin, r);
    return r;
}

// Positions from `from` on go one by one, each with its logits; stepwise or not, for a graph on a device gives one row.
std::vector<float> gpu_context::evaluate(const evaluate_params & p, const task_flags & flags) {
    const abort_scope scope(*this, flags);
    check_tokens(p.tokens);
    check_attention(p.attention);
    check_repository(p.repository.get());
    const int32_t n = (int32_t) p.tokens.size();
    if (p.from < 0 || p.from >= n) {
        fail(ERROR_BAD_ARGUMENT, "logits from position %d of %d tokens are not possible", p.from, n);
    }
    if (p.policy != POLICY_FASA && p.policy != POLICY_FASA_F16) {
        fail(ERROR_BAD_ARGUMENT, "other policies than FASA are evaluated on the CPU alone");
    }
    const int32_t n_same = (int32_t) (std::mismatch(tokens.begin(), tokens.end(), p.tokens.begin(), p.tokens.end()).first - tokens.begin());
    truncate(std::min({ n_same, n_batched, p.from }));
    feed(p.tokens, p.from, flags, [](int32_t) {});
    std::vector<float> out;
    out.reserve((size_t) (n - p.from)*logits.size());
    int64_t bytes = 0;
    bool    sparse = false;
    const attention_params dense { ATTENTION_DENSE, p.attention.budget, 0 };
    for (int32_t i = p.from; i < n; i++) {
        check_abort(flags);
        run_step(p.tokens[i], p.stepwise ? p.attention : dense, bytes, sparse);
        out.insert(out.end(), logits.begin(), logits.end());
    }
    return out;
}

timing_result gpu_context::time_steps(const timing_params & p, const task_flags & flags) {
    const abort_scope scope(*this, flags);
    check_tokens(p.tokens);
    check_attention(p.attention);
    if (p.n_steps < 1 || p.depth < 0 || p.depth + p.n_steps > params.n_ctx) {
        fail(ERROR_CONTEXT_FULL, "%d steps at %d tokens do not fit a context of %d", p.n_steps, p.depth, params.n_ctx);
    }
    if (p.depth > (int32_t) p.tokens.size() && p.tokens.size() < 2) {
        fail(ERROR_BAD_ARGUMENT, "at least two tokens are needed to repeat");
    }
    const int32_t n_real = std::min(p.depth, (int32_t) p.tokens.size());
    const int32_t n_same = (int32_t) (std::mismatch(tokens.begin(), tokens.end(), p.tokens.begin(), p.tokens.end()).first - tokens.begin());
    truncate(std::min(n_same, n_real));
    feed(p.tokens, n_real, flags, [](int32_t) {});
    if (p.depth > n_real) {
        kv.repeat_rows(n_real, p.depth);
        tokens.resize(p.depth, p.tokens[0]);
        n_cached = p.depth;
    }
    timing_result r;
    int64_t bytes = 0;
    bool    sparse = false;
    for (int32_t i = 0; i < p.n_steps; i++) {
        check_abort(flags);
        const steady::time_point begin = steady::now();
        run_step(p.tokens[i % p.tokens.size()], p.attention, bytes, sparse);
        r.step_ms.push_back(ms_since(begin));
        r.bytes_per_step += (double) bytes/p.n_steps;
        r.n_fasa_steps   += sparse;
    }
    truncate(n_real); // the repeated rows are no text
    return r;
}

measure_result gpu_context::measure(const measure_params & p, const task_flags & flags) {
    if (!params.calib) {
        fail(ERROR_BAD_CALIBRATION, "FASA attention needs a calibration of this model");
    }
    const int32_t n = (int32_t) tokens.size(), base = n - p.n_steps;
    if (p.n_steps < 2 || p.budget < 1 || base <= p.budget) {
        fail(ERROR_BAD_ARGUMENT, "%d steps with a budget of %d tokens cannot be measured over %d cached tokens", p.n_steps, p.budget, n);
    }
    const abort_scope scope(*this, flags);
    const std::vector<int32_t> last(tokens.begin() + base, tokens.end());
    measure_result r;
    r.n_tokens = base;
    std::vector<std::vector<float>> sparse_logits;
    int64_t bytes = 0;
    bool    sparse = false;
    for (const int32_t pass : { 0, 1 }) { // FASA, then dense: what that writes stays in the cache
        truncate(base);
        for (size_t i = 0; i < last.size(); i++) {
            check_abort(flags);
            const steady::time_point begin = steady::now();
            run_step(last[i], { pass == 0 ? ATTENTION_FASA_C : ATTENTION_DENSE, p.budget, 0 }, bytes, sparse);
            (pass == 0 ? r.fasa_ms : r.dense_ms).push_back(ms_since(begin));
            if (pass == 0) {
                sparse_logits.push_back(logits);
            } else {
                bool agree = false;
                r.kl.push_back(logits_divergence(logits, sparse_logits[i], agree));
                r.n_agreeing += agree;
            }
        }
    }
    return r;
}

context_usage gpu_context::usage() const {
    context_usage u;
    u.n_tokens         = n_cached;
    u.n_ctx            = params.n_ctx;
    u.full_bytes       = kv.row_bytes()*u.n_tokens;
    u.importance_bytes = kv.importance_bytes()*u.n_tokens;
    u.fast_bytes       = (kv.rows_on_host ? 0 : u.full_bytes) + u.importance_bytes;
    u.slow_bytes       = kv.rows_on_host ? u.full_bytes : 0;
    return u;
}
