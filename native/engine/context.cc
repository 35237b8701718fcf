#include "engine/context.h"

#include "base/assertion_guard.h"
#include "base/error.h"
#include "engine/decode.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// Tokens that see the chunks, fed at once: weights are read once for all of them.
constexpr int32_t LATE_BATCH = 64;

// Of a long answer, after so many steps the files of the chunks are looked at again.
constexpr int32_t STEPS_BETWEEN_CHECKS = 32;

static context_params checked(context_params p, const model_hparams & hp) {
    if (p.n_ctx < 1 || p.n_ctx > 1 << 24) {
        fail(ERROR_BAD_ARGUMENT, "a context of %d tokens is not possible", p.n_ctx);
    }
    if (p.n_threads < 1 || p.n_threads > 256) {
        fail(ERROR_BAD_ARGUMENT, "%d threads are not possible", p.n_threads);
    }
    if (p.n_ubatch < 1 || p.n_ubatch > 4096) {
        fail(ERROR_BAD_ARGUMENT, "a micro-batch of %d tokens is not possible", p.n_ubatch);
    }
    if (p.calib) {
        calibration_check(*p.calib, hp);
    }
    if (p.composition) {
        const composition_params & c = *p.composition;
        if (c.n_anchor < 1 || c.n_anchor > FASA_PAGE_TOKENS || c.n_anchor >= p.n_ctx || c.tail_position < c.n_anchor || c.tail_position > 1 << 24) {
            fail(ERROR_BAD_ARGUMENT, "a composition of %d anchor tokens and a tail from position %d on is not possible", c.n_anchor, c.tail_position);
        }
        if (!p.calib) {
            fail(ERROR_BAD_CALIBRATION, "a composition needs a calibration of this model");
        }
    }
    return p;
}

// Steps over all tokens by focused attention: faster than ggml's kernel for one token, and its sums are f32, not f16.
// Without vector instructions it is not.
static bool fac_is_fast(const model_hparams & hp) {
    return hp.head_size <= FASA_HEAD_SIZE_MAX && strcmp(fasa_kernels_best()->name, "plain") != 0;
}

context::context(std::shared_ptr<model> model, context_params p) :
    m(std::move(model)), params(checked(std::move(p), m->hp)),
    kv(m->hp, params.n_ctx, params.calib ? &*params.calib : nullptr), compute(params.n_threads, &abort) {
    if (params.calib || fac_is_fast(m->hp)) {
        fasa = std::make_unique<fasa_session>(m->hp, kv, params.n_threads);
        fasa->n_anchor = n_anchor();
    }
}

void context::check_tokens(const std::vector<int32_t> & list) const {
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

void context::truncate(int32_t n) {
    tokens.resize(n);
    n_batched = std::min(n_batched, n);
    kv.truncate(n);
    n_cached = n;
}

void context::commit(const int32_t * ids, int32_t n) {
    tokens.insert(tokens.end(), ids, ids + n);
    if (params.calib) {
        kv.close_pages((int32_t) tokens.size(), n_anchor(), fasa->kernels);
    }
    n_cached = (int32_t) tokens.size();
}

bool context::uses_fasa(const attention_params & attention, int32_t n_kv) const {
    if (attention.mode == ATTENTION_DENSE || !params.calib) {
        return false;
    }
    return attention.mode == ATTENTION_FASA_C || n_kv + (repository ? repository->n_tokens() : 0) >= attention.fasa_from;
}

int64_t context::dense_bytes(int32_t n_kv) const { return (int64_t) n_kv*m->hp.kv_bytes_per_token(); }

decoder_graph & context::prepared(std::unique_ptr<decoder_graph> & slot, const graph_shape & shape) {
    if (!slot || !(slot->shape == shape)) {
        assertion_guard guard;
        slot.reset(); // its memory first
        slot = std::make_unique<decoder_graph>(*m, kv, fasa.get(), compute.backend.get(), shape);
    }
    return *slot;
}

static void set_input(ggml_tensor * t, const void * data) {
    assertion_guard guard;
    if (t && t->buffer) { // an input that no op of this graph reads has no memory: a mask, where one layer wants no output
        ggml_backend_tensor_set(t, data, 0, ggml_nbytes(t));
    }
}

int32_t context::position(int32_t cell) const {
    const auto & c = params.composition;
    return c && cell >= c->n_anchor ? c->tail_position + cell - c->n_anchor : cell;
}

void context::set_positions(decoder_graph & g, int32_t n_past) const {
    std::vector<int32_t> positions(g.shape.n_tokens);
    std::vector<int64_t> cells(g.shape.n_tokens);
    for (int32_t i = 0; i < g.shape.n_tokens; i++) {
        positions[i] = position(n_past + i);
        cells[i]     = n_past + i;
    }
    set_input(g.positions, positions.data());
    set_input(g.cells,     cells.data());
    if (!g.mask) {
        return;
    }
    const ggml_fp16_t hidden = ggml_fp32_to_fp16(-INFINITY), seen = 0;
    std::vector<ggml_fp16_t> mask((size_t) g.shape.n_kv*g.shape.n_tokens, hidden);
    for (int32_t i = 0; i < g.shape.n_tokens; i++) {
        std::fill_n(mask.begin() + (size_t) i*g.shape.n_kv, n_past + i + 1, seen);
    }
    set_input(g.mask, mask.data());
}

// a dense micro-batch behind the cached tokens; logits for its last n_out positions
decoder_graph & context::run_batch(const int32_t * ids, int32_t n, int32_t n_out, const std::vector<int32_t> & capture) {
    const int32_t n_past = (int32_t) tokens.size();
    graph_shape shape;
    shape.n_tokens  = n;
    shape.n_kv      = (n_past + n + KV_CELL_STEP - 1)/KV_CELL_STEP*KV_CELL_STEP;
    shape.n_out     = n_out;
    shape.n_capture = (int32_t) capture.size();
    decoder_graph & g = prepared(n == 1 ? step_graph : batch_graph, shape);
    set_input(g.tokens, ids);
    set_positions(g, n_past);
    std::vector<int32_t> rows(n_out);
    for (int32_t i = 0; i < n_out; i++) {
        rows[i] = n - n_out + i;
    }
    set_input(g.out_rows,     rows.data());
    set_input(g.capture_rows, capture.data());
    m->check_file();
    compute.run(g.graph);
    if (n > 1 && n_batched == n_past) {
        n_batched += n;
    }
    commit(ids, n);
    return g;
}

decoder_graph & context::run_step(int32_t id, const attention_params & attention, int64_t & bytes_read, bool & sparse) {
    const int32_t n_kv = (int32_t) tokens.size() + 1;
    sparse = uses_fasa(attention, n_kv);
    if (!sparse && !fac_is_fast(m->hp)) {
        bytes_read = dense_bytes(n_kv);
        return run_batch(&id, 1, 1, {});
    }
    decoder_graph & g = prepared_fasa(&id, 1, 1, sparse, attention.budget);
    bytes_read = fasa->bytes_read();
    m->check_file();
    compute.run(g.graph);
    commit(&id, 1);
    return g;
}

decoder_graph & context::prepared_fasa(const int32_t * ids, int32_t n, int32_t n_out, bool sparse, int32_t budget) {
    const int32_t n_past = (int32_t) tokens.size();
    graph_shape shape;
    shape.n_tokens = n;
    shape.n_out    = n_out;
    shape.fasa     = true;
    decoder_graph & g = prepared(n == 1 ? step_graph : late_graph, shape);
    std::vector<int32_t> rows(n_out);
    for (int32_t i = 0; i < n_out; i++) {
        rows[i] = n - n_out + i;
    }
    set_input(g.tokens, ids);
    set_positions(g, n_past);
    set_input(g.out_rows, rows.data());
    fasa->n_kv   = n_past + n;
    fasa->budget = sparse ? budget : INT32_MAX;
    fasa->abort  = abort;
    return g;
}

decoder_graph & context::run_late(const int32_t * ids, int32_t n, int32_t n_out, const attention_params & attention) {
    decoder_graph & g = prepared_fasa(ids, n, n_out, uses_fasa(attention, (int32_t) tokens.size() + n), attention.budget);
    m->check_file();
    compute.run(g.graph);
    commit(ids, n);
    return g;
}

void context::check_chunks(const kv_repository & r) {
    for (const retrieved_chunk & c : r.chunks) {
        if (!c.chunk->intact()) {
            fail(ERROR_BAD_CHUNK, "%s was cut short or replaced while it was in use", c.chunk->file.c_str());
        }
    }
}

void context::use_repository(std::shared_ptr<const kv_repository> r) {
    if (r && !r->chunks.empty()) {
        if (!params.composition) {
            fail(ERROR_BAD_ARGUMENT, "chunks need a context with a composition");
        }
        for (const retrieved_chunk & c : r->chunks) {
            const kv_chunk_layout & l = c.chunk->layout;
            if (l.fingerprint != m->summary.fingerprint || l.n_channels != kv.n_channels) {
                fail(ERROR_BAD_ARGUMENT, "a chunk is of another model or calibration");
            }
        }
        check_chunks(*r);
    }
    repository = r && !r->chunks.empty() ? std::move(r) : nullptr;
    if (fasa) {
        fasa->set_repository(repository.get());
    }
}

int32_t context::first_late(int32_t end) const { return repository ? std::max(n_anchor(), end - repository->n_late) : INT32_MAX; }

void context::check_attention(const attention_params & attention) const {
    if (attention.budget < 1) {
        fail(ERROR_BAD_ARGUMENT, "a budget of %d tokens is not possible", attention.budget);
    }
    if (attention.mode == ATTENTION_FASA_C && !params.calib) {
        fail(ERROR_BAD_CALIBRATION, "FASA attention needs a calibration of this model");
    }
}

generate_result context::generate(const generate_params & p, const task_flags & flags, const generate_events & events) {
    const steady::time_point begin = steady::now();
    const abort_scope scope(*this, flags);
    check_tokens(p.tokens);
    check_attention(p.attention);
    use_repository(p.repository);
    generate_result r;

    // the last token is always fed: its logits choose the first new one
    const size_t n_common = std::mismatch(tokens.begin(), tokens.end(), p.tokens.begin(), p.tokens.end()).first - tokens.begin();
    r.n_reused = (int32_t) std::min(n_common, p.tokens.size() - 1);
    truncate(r.n_reused);

    const int32_t n_total = (int32_t) p.tokens.size() - r.n_reused;
    const int32_t late = first_late((int32_t) p.tokens.size());
    std::vector<float> logits(m->hp.n_vocab);
    step_cost unused; // a step of the prompt is no decode step
    const auto read_logits = [&](decoder_graph & g) { ggml_backend_tensor_get(g.logits, logits.data(), 0, logits.size()*sizeof(float)); };
    while (r.n_fed < n_total) {
        if (flags.abort) {
            fail(ERROR_CANCELLED, "cancelled");
        }
        const int32_t at = r.n_reused + r.n_fed, n_before = late - at; // tokens that do not see the chunks
        const int32_t n = std::min({ n_before > 0 ? params.n_ubatch : LATE_BATCH, n_before > 0 ? n_before : INT32_MAX, n_total - r.n_fed });
        const int32_t * ids = p.tokens.data() + at;
        const bool last = r.n_fed + n == n_total;
        decoder_graph & g = n_total == 1 || (n_before <= 0 && n == 1) ? run_step(*ids, p.attention, unused.bytes, unused.sparse)
            : n_before > 0 ? run_batch(ids, n, last ? 1 : 0, {}) : run_late(ids, n, last ? 1 : 0, p.attention);
        r.n_fed += n;
        if (last) {
            read_logits(g);
        }
        if (events.progress) {
            events.progress(r.n_fed, n_total);
        }
    }
    r.prefill_ms = ms_since(begin);

    if (p.looking && fasa) {
        fasa->start_looking();
    }
    const auto feed_one = [&](int32_t id) {
        if (repository && r.n_steps % STEPS_BETWEEN_CHECKS == STEPS_BETWEEN_CHECKS - 1) {
            check_chunks(*repository);
        }
        step_cost cost;
        read_logits(run_step(id, p.attention, cost.bytes, cost.sparse));
        return cost;
    };
    decode({ [&] { return (int32_t) tokens.size() >= params.n_ctx; }, feed_one, logits }, p, flags, events, begin, r);
    if (p.looking && fasa) {
        fasa->stop_looking();
        r.looked = fasa->looked((int32_t) tokens.size());
    }
    return r;
}

void context::capture_queries(const std::vector<int32_t> & list, int32_t stride, const task_flags & flags,
        const query_visitor & visit, const std::function<void(int32_t)> & progress) {
    const abort_scope scope(*this, flags);
    check_tokens(list);
    truncate(0);
    std::vector<float> q((size_t) m->hp.n_head*m->hp.head_size);
    for (size_t at = 0; at < list.size(); at += params.n_ubatch) {
        const int32_t n = (int32_t) std::min((size_t) params.n_ubatch, list.size() - at);
        std::vector<int32_t> rows;
        for (int32_t i = stride - 1; i < n; i += stride) {
            rows.push_back(i);
        }
        decoder_graph & g = run_batch(list.data() + at, n, 0, rows);
        for (int32_t il = 0; il < m->hp.n_layer; il++) {
            for (size_t i = 0; i < rows.size(); i++) {
                if (flags.abort) {
                    fail(ERROR_CANCELLED, "cancelled");
                }
                ggml_backend_tensor_get(g.captured[il], q.data(), i*q.size()*sizeof(float), q.size()*sizeof(float));
                visit(il, (int32_t) at + rows[i], q.data());
            }
        }
        progress((int32_t) at + n);
    }
}

void context::feed(const int32_t * ids, int32_t n, const task_flags & flags) {
    for (int32_t at = 0; at < n; at += params.n_ubatch) {
        if (flags.abort) {
            fail(ERROR_CANCELLED, "cancelled");
        }
        run_batch(ids + at, std::min(params.n_ubatch, n - at), 0, {});
    }
}

void context::clear() { truncate(0); }

context_usage context::usage() const {
    context_usage u;
    u.n_tokens         = n_cached;
    u.n_ctx            = params.n_ctx;
    u.full_bytes       = dense_bytes(u.n_tokens);
    u.importance_bytes = params.calib ? (int64_t) (u.n_tokens/FASA_PAGE_TOKENS)*(int64_t) kv.page_bytes*m->hp.n_layer*m->hp.n_head_kv : 0;
    u.fast_bytes       = u.full_bytes + u.importance_bytes; // fasa-c: all of it is in memory
    return u;
}
