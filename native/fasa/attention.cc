#include "fasa/attention.h"

#include "error.h"

#include <algorithm>
#include <chrono>
#include <cmath>

// stack space of one TIP unit: query channels of a group
constexpr int32_t MAX_GROUP    = 32;
constexpr int32_t MAX_CHANNELS = FASA_HEAD_SIZE_MAX;

// adds the time until its end to a stage, on one thread of the pool
struct stage_timer {
    using clock = std::chrono::steady_clock;
    int64_t *         sum;
    clock::time_point begin = clock::now();
    stage_timer(int64_t & sum, int ith) : sum(ith == 0 ? &sum : nullptr) {}
    ~stage_timer() {
        if (sum) {
            *sum += std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - begin).count();
        }
    }
};

fasa_session::fasa_session(const model_hparams & hp, const kv_cache & kv) : kernels(fasa_kernels_best()), hp(hp), kv(kv) {
    if (kv.n_channels > 0 && (hp.n_group() > MAX_GROUP || kv.n_channels > MAX_CHANNELS)) {
        fail(ERROR_UNSUPPORTED_MODEL, "FASA supports up to %d query heads on a KV head, the model has %d", MAX_GROUP, hp.n_group());
    }
    for (int32_t il = 0; il < hp.n_layer; il++) {
        ops.push_back({ this, il });
    }
    const size_t n = kv.n_cells;
    top_k_bytes = fasa_top_k_scratch_bytes(kv.n_cells);
    scores.resize(hp.n_head*n);
    importance.resize(hp.n_head_kv*n);
    top_k_scratch.resize(hp.n_head_kv*top_k_bytes);
    chosen.resize(hp.n_head_kv*n);
    n_chosen.resize(hp.n_head_kv);
    logits.resize(hp.n_head*n);
}

int32_t fasa_session::n_closed() const { return std::min(kv.n_closed, n_kv/FASA_PAGE_TOKENS); }

int64_t fasa_session::bytes_read() const {
    const int64_t n_open   = n_kv - n_closed()*FASA_PAGE_TOKENS;
    const int64_t n_exact  = n_open + (n_closed() > 0 ? FASA_ANCHOR_TOKENS : 0);
    const int64_t scan     = n_closed()*(int64_t) kv.page_bytes + n_exact*kv.n_channels*2;
    const int64_t attended = (int64_t) std::min(budget, n_kv)*hp.head_size*2*2;
    return (budget >= n_kv ? attended : scan + attended)*hp.n_layer*hp.n_head_kv;
}

// unit: a closed page, or (the last one) the open page and the sink, whose keys are read exactly
void fasa_session::tip_unit(int32_t il, int32_t head, int32_t unit, const float * q) {
    const int32_t   n_group  = hp.n_group();
    const int32_t * channels = kv.head_channels(il, head);
    const float     scale    = 1.0f/sqrtf((float) hp.head_size);
    float q_channels[MAX_GROUP*MAX_CHANNELS];
    for (int32_t h = 0; h < n_group; h++) {
        const float * row = q + (size_t) (head*n_group + h)*hp.head_size;
        for (int32_t c = 0; c < kv.n_channels; c++) {
            q_channels[h*kv.n_channels + c] = row[channels[c]]*scale;
        }
    }
    float *          out  = scores.data() + (size_t) head*n_group*kv.n_cells;
    const uint16_t * keys = kv.rows(il, head);
    if (unit < n_closed()) {
        float * page_out = out + unit*FASA_PAGE_TOKENS;
        kernels->tip_page(q_channels, n_group, kv.n_channels, kv.page(il, head, unit), page_out, kv.n_cells);
        if (unit == 0) {
            kernels->tip_rows(q_channels, n_group, channels, kv.n_channels, keys, kv.row_stride(), FASA_ANCHOR_TOKENS, out, kv.n_cells);
        }
        return;
    }
    const int32_t begin = n_closed()*FASA_PAGE_TOKENS;
    kernels->tip_rows(q_channels, n_group, channels, kv.n_channels, keys + (size_t) begin*kv.row_stride(), kv.row_stride(), n_kv - begin, out + begin, kv.n_cells);
}

void fasa_session::select(int32_t il, int32_t head, const float * q) {
    int32_t * list = chosen.data() + (size_t) head*kv.n_cells;
    if (budget >= n_kv) {
        for (int32_t i = 0; i < n_kv; i++) {
            list[i] = i;
        }
        n_chosen[head] = n_kv;
        return;
    }
    float * values = importance.data() + (size_t) head*kv.n_cells;
    const int32_t n_group = hp.n_group();
    if (policy) {
        policy->importance(il, head, q + (size_t) head*n_group*hp.head_size, n_kv, values);
    } else {
        kernels->importance(scores.data() + (size_t) head*n_group*kv.n_cells, kv.n_cells, n_group, n_kv, values);
    }
    // a budget too small for anchor and window keeps the newest tokens
    const int32_t n_anchor = std::min(FASA_ANCHOR_TOKENS, budget);
    const int32_t n_window = std::min(FASA_WINDOW_TOKENS, budget - n_anchor);
    const int32_t n_best   = budget - n_anchor - n_window;
    for (int32_t i = 0; i < n_anchor; i++) {
        list[i] = i;
    }
    kernels->top_k(values, n_anchor, n_kv - n_window, n_best, list + n_anchor, top_k_scratch.data() + (size_t) head*top_k_bytes);
    for (int32_t i = 0; i < n_window; i++) {
        list[n_anchor + n_best + i] = n_kv - n_window + i;
    }
    n_chosen[head] = budget;
}

void fasa_session::run_tip(ggml_tensor * dst, int ith, int nth, void * userdata) {
    const layer_op & op = *(const layer_op *) userdata;
    fasa_session & s = *op.session;
    if (s.budget >= s.n_kv || s.policy) {
        return; // all tokens are read, or chosen in another way
    }
    const stage_timer timer(s.times.tip, ith);
    const float * q = (const float *) dst->src[0]->data;
    const int32_t n_units = s.n_closed() + (s.n_kv > s.n_closed()*FASA_PAGE_TOKENS ? 1 : 0);
    const int64_t total = (int64_t) n_units*s.hp.n_head_kv;
    for (int64_t u = total*ith/nth; u < total*(ith + 1)/nth; u++) {
        s.tip_unit(op.il, (int32_t) (u/n_units), (int32_t) (u % n_units), q);
    }
}

void fasa_session::run_selection(ggml_tensor * dst, int ith, int nth, void * userdata) {
    const layer_op & op = *(const layer_op *) userdata;
    fasa_session & s = *op.session;
    const float * q = (const float *) dst->src[1]->data;
    const stage_timer timer(s.times.selection, ith);
    for (int32_t head = ith; head < s.hp.n_head_kv; head += nth) {
        s.select(op.il, head, q);
    }
}

void fasa_session::run_fac(ggml_tensor * dst, int ith, int nth, void * userdata) {
    const layer_op & op = *(const layer_op *) userdata;
    fasa_session & s = *op.session;
    const stage_timer timer(s.times.fac, ith);
    const float * q   = (const float *) dst->src[0]->data;
    float *       out = (float *) dst->data;
    const int32_t d = s.hp.head_size, n_group = s.hp.n_group();
    const float scale = 1.0f/sqrtf((float) d);
    // whole groups share the rows they load; where threads do not divide the KV heads, single query heads balance better
    const int32_t n_q = s.hp.n_head_kv % nth == 0 ? n_group : 1;
    for (int32_t h = ith*n_q; h < s.hp.n_head; h += nth*n_q) {
        const int32_t head = h/n_group;
        s.kernels->fac(q + (size_t) h*d, n_q, d, s.kv.rows(op.il, head), s.kv.row_stride(), s.chosen.data() + (size_t) head*s.kv.n_cells,
            s.n_chosen[head], scale, s.logits.data() + (size_t) h*s.kv.n_cells, out + (size_t) h*d);
    }
}

ggml_tensor * fasa_session::build(ggml_context * ctx, int32_t il, ggml_tensor * q, ggml_tensor * stored_k, ggml_tensor * stored_v) {
    // scores and choice live in the session: the results of the first two ops only order the third behind them
    ggml_tensor * tip_args[] = { q, stored_k, stored_v };
    ggml_tensor * tip = ggml_custom_4d(ctx, GGML_TYPE_F32, 1, 1, 1, 1, tip_args, 3, run_tip, GGML_N_TASKS_MAX, &ops[il]);
    ggml_tensor * selection_args[] = { tip, q };
    ggml_tensor * selection = ggml_custom_4d(ctx, GGML_TYPE_F32, 1, 1, 1, 1, selection_args, 2, run_selection, GGML_N_TASKS_MAX, &ops[il]);
    ggml_tensor * fac_args[] = { q, selection };
    return ggml_custom_4d(ctx, GGML_TYPE_F32, hp.head_size, hp.n_head, 1, 1, fac_args, 2, run_fac, GGML_N_TASKS_MAX, &ops[il]);
}
