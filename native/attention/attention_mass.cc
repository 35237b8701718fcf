#include "attention/attention_mass.h"

#include <cstddef>
#include <numeric>

void attention_counter::start(int32_t n_head, int32_t n_flat) {
    sums.assign(n_head, std::vector<double>((n_flat + ATTENTION_BLOCK_TOKENS - 1) / ATTENTION_BLOCK_TOKENS));
    totals.assign(n_head, 0);
}

void attention_counter::add(int32_t head, const std::vector<int32_t> & flat, const float * weights, own_range own) {
    for (size_t i = 0; i < flat.size(); i++) {
        const int32_t at = flat[i];
        if (at >= own.begin && (at < own.anchor_end || at >= own.window_begin)) {
            continue;
        }
        sums[head][at / ATTENTION_BLOCK_TOKENS] += weights[i]; // chunks end with a whole page: no block has tokens of two of them
        totals[head] += weights[i];
    }
}

std::vector<float> attention_counter::shares(int32_t flat, int32_t n_tokens) const {
    const double all = std::accumulate(totals.begin(), totals.end(), 0.0);
    std::vector<float> out((n_tokens + ATTENTION_BLOCK_TOKENS - 1) / ATTENTION_BLOCK_TOKENS);
    for (size_t i = 0; i < out.size() && all > 0; i++) {
        double sum = 0;
        for (const std::vector<double> & head : sums) {
            sum += head[flat / ATTENTION_BLOCK_TOKENS + i];
        }
        out[i] = (float) (sum / all);
    }
    return out;
}
