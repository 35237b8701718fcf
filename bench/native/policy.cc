#include "bench/native/policy.h"

#include "kernels/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ggml.h"

namespace {

struct policy_base : choice_policy {
    const model_hparams & hp;
    const kv_cache & kv;
    const fasa_kernels * kernels;

    policy_base(const model_hparams & hp, const kv_cache & kv, const fasa_kernels * kernels) : hp(hp), kv(kv), kernels(kernels) {}

    std::vector<float> scaled(const float * q) const {
        std::vector<float> out(q, q + (size_t) hp.n_group() * hp.head_size);
        for (float & x : out) {
            x /= sqrtf((float) hp.head_size);
        }
        return out;
    }
};

// logits from some channels of every key, the same for all query heads of a KV head
struct channels_policy : policy_base {
    bool all; // else the dominant FCs

    channels_policy(const policy_base & base, bool all) : policy_base(base), all(all) {}

    void importance(int32_t il, int32_t head, const float * q, int32_t n_kv, float * importance) const override {
        const int32_t n_group = hp.n_group();
        std::vector<int32_t> channels;
        channels.resize(all ? hp.head_size : kv.n_channels);
        for (int32_t c = 0; c < (int32_t) channels.size(); c++) {
            channels[c] = all ? c : kv.head_channels(il, head)[c];
        }
        const std::vector<float> full = scaled(q);
        std::vector<float> part;
        for (int32_t h = 0; h < n_group; h++) {
            for (const int32_t c : channels) {
                part.push_back(full[(size_t) h * hp.head_size + c]);
            }
        }
        std::vector<float> scores((size_t) n_group * n_kv);
        kernels->tip_rows(part.data(), n_group, channels.data(), (int32_t) channels.size(), kv.rows(il, head), kv.row_stride(), n_kv, scores.data(), n_kv);
        kernels->importance(scores.data(), n_kv, n_group, n_kv, importance);
    }
};

// each query head by its own FCs
struct paper_policy : policy_base {
    const query_head_fcs & chosen;

    paper_policy(const policy_base & base, const query_head_fcs & chosen) : policy_base(base), chosen(chosen) {}

    void importance(int32_t il, int32_t head, const float * q, int32_t n_kv, float * importance) const override {
        const int32_t n_group = hp.n_group(), n_channels = 2 * chosen.n_fc;
        const std::vector<float> full = scaled(q);
        std::vector<float> scores((size_t) n_group * n_kv), part(n_channels);
        std::vector<int32_t> channels(n_channels);
        for (int32_t h = 0; h < n_group; h++) {
            const int32_t * fcs = chosen.fcs.data() + ((size_t) il * hp.n_head + head * n_group + h) * chosen.n_fc;
            fasa_channels_from_fcs(fcs, chosen.n_fc, hp.head_size, hp.rope_type == GGML_ROPE_TYPE_NEOX, channels.data());
            for (int32_t c = 0; c < n_channels; c++) {
                part[c] = full[(size_t) h * hp.head_size + channels[c]];
            }
            kernels->tip_rows(part.data(), 1, channels.data(), n_channels, kv.rows(il, head), kv.row_stride(), n_kv, scores.data() + (size_t) h * n_kv, n_kv);
        }
        kernels->importance(scores.data(), n_kv, n_group, n_kv, importance);
    }
};

// the highest logit that a page's tokens can have, as the score of all of them
struct quest_policy : policy_base {
    explicit quest_policy(const policy_base & base) : policy_base(base) {}

    void importance(int32_t il, int32_t head, const float * q, int32_t n_kv, float * importance) const override {
        const int32_t d = hp.head_size, n_group = hp.n_group();
        const std::vector<float> full = scaled(q);
        std::vector<float> scores((size_t) n_group * n_kv), low(d), high(d);
        for (int32_t begin = 0; begin < n_kv; begin += QUEST_PAGE_TOKENS) {
            const int32_t end = std::min(begin + QUEST_PAGE_TOKENS, n_kv);
            std::fill(low.begin(), low.end(), std::numeric_limits<float>::infinity());
            std::fill(high.begin(), high.end(), -std::numeric_limits<float>::infinity());
            for (int32_t t = begin; t < end; t++) {
                const uint16_t * key = kv.rows(il, head) + (size_t) t * kv.row_stride();
                for (int32_t c = 0; c < d; c++) {
                    const float x = ggml_fp16_to_fp32(key[c]);
                    low[c] = std::min(low[c], x);
                    high[c] = std::max(high[c], x);
                }
            }
            for (int32_t h = 0; h < n_group; h++) {
                float bound = 0;
                for (int32_t c = 0; c < d; c++) {
                    const float x = full[(size_t) h * d + c];
                    bound += std::max(x * low[c], x * high[c]);
                }
                std::fill(scores.begin() + (size_t) h * n_kv + begin, scores.begin() + (size_t) h * n_kv + end, bound);
            }
        }
        kernels->importance(scores.data(), n_kv, n_group, n_kv, importance);
    }
};

struct streaming_policy : choice_policy {
    void importance(int32_t, int32_t, const float *, int32_t n_kv, float * importance) const override {
        for (int32_t t = 0; t < n_kv; t++) {
            importance[t] = (float) t;
        }
    }
};

} // namespace

std::unique_ptr<choice_policy> choice_policy_new(fasa_policy kind, const model_hparams & hp, const kv_cache & kv, const fasa_kernels * kernels, const query_head_fcs * fcs) {
    struct parts : policy_base {
        using policy_base::policy_base;
        void importance(int32_t, int32_t, const float *, int32_t, float *) const override {}
    };
    const parts base(hp, kv, kernels);
    switch (kind) {
        case POLICY_FASA: return nullptr;
        case POLICY_FASA_F16: return std::make_unique<channels_policy>(base, false);
        case POLICY_ORACLE: return std::make_unique<channels_policy>(base, true);
        case POLICY_PAPER:
        case POLICY_PAPER_KV: return std::make_unique<paper_policy>(base, *fcs);
        case POLICY_QUEST: return std::make_unique<quest_policy>(base);
        case POLICY_STREAMING: return std::make_unique<streaming_policy>();
    }
    return nullptr;
}

agreement_counter::agreement_counter(const model_hparams & hp, const kv_cache & kv, const fasa_kernels * kernels, int32_t k) : hp(hp), kv(kv), kernels(kernels), k(k), hits((size_t) hp.n_layer * hp.n_head * hp.head_size / 2), scores(kv.n_cells),
                                                                                                                               scratch(fasa_top_k_scratch_bytes(kv.n_cells)), best(kv.n_cells), is_best(kv.n_cells) {}

void agreement_counter::observe(int32_t il, const float * q, int32_t n_past) {
    const int32_t d = hp.head_size, n_fc = d / 2, n_best = std::min(k, n_past);
    const bool neox = hp.rope_type == GGML_ROPE_TYPE_NEOX;
    std::vector<int32_t> channels(d);
    std::vector<float> part(d);
    const auto rank = [&](int32_t h, int32_t n_channels) {
        const int32_t head = h / hp.n_group();
        for (int32_t c = 0; c < n_channels; c++) {
            part[c] = q[(size_t) h * d + channels[c]];
        }
        kernels->tip_rows(part.data(), 1, channels.data(), n_channels, kv.rows(il, head), kv.row_stride(), n_past, scores.data(), n_past);
        kernels->top_k(scores.data(), 0, n_past, n_best, best.data(), scratch.data());
    };
    for (int32_t h = 0; h < hp.n_head; h++) {
        for (int32_t c = 0; c < d; c++) {
            channels[c] = c;
        }
        rank(h, d);
        std::fill_n(is_best.begin(), n_past, 0);
        for (int32_t i = 0; i < n_best; i++) {
            is_best[best[i]] = 1;
        }
        for (int32_t fc = 0; fc < n_fc; fc++) {
            fasa_channels_from_fcs(&fc, 1, d, neox, channels.data());
            rank(h, 2);
            int64_t & sum = hits[((size_t) il * hp.n_head + h) * n_fc + fc];
            for (int32_t i = 0; i < n_best; i++) {
                sum += is_best[best[i]];
            }
        }
    }
}

query_head_fcs agreement_counter::choose(bool per_kv_head) const {
    const int32_t n_all = hp.head_size / 2, n_group = hp.n_group();
    query_head_fcs out;
    out.n_fc = std::max(1, n_all / 4);
    for (int32_t i = 0; i < hp.n_layer * hp.n_head; i++) {
        const int32_t from = per_kv_head ? i / n_group * n_group : i, n = per_kv_head ? n_group : 1;
        std::vector<int64_t> sums(n_all);
        std::vector<int32_t> order(n_all);
        for (int32_t fc = 0; fc < n_all; fc++) {
            order[fc] = fc;
            for (int32_t h = from; h < from + n; h++) {
                sums[fc] += hits[(size_t) h * n_all + fc];
            }
        }
        std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return sums[a] > sums[b]; });
        std::sort(order.begin(), order.begin() + out.n_fc);
        out.fcs.insert(out.fcs.end(), order.begin(), order.begin() + out.n_fc);
    }
    return out;
}
