#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

int32_t sampler::sample(const float * logits, int32_t n_vocab) {
    const int32_t best = (int32_t) (std::max_element(logits, logits + n_vocab) - logits);
    if (params.temperature <= 0.0f || params.top_k == 1) {
        return best;
    }
    order.resize(n_vocab);
    std::iota(order.begin(), order.end(), 0);
    const int32_t n = params.top_k > 0 ? std::min(params.top_k, n_vocab) : n_vocab;
    std::partial_sort(order.begin(), order.begin() + n, order.end(), [logits](int32_t a, int32_t b) {
        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    });
    weights.resize(n);
    double sum = 0.0;
    for (int32_t i = 0; i < n; i++) {
        weights[i] = std::exp((double) ((logits[order[i]] - logits[best]) / params.temperature));
        sum += weights[i];
    }
    double kept = 0.0;
    int32_t n_kept = 0;
    while (n_kept < n && (n_kept == 0 || kept < params.top_p * sum)) {
        kept += weights[n_kept++];
    }
    double at = std::uniform_real_distribution<double>(0.0, kept)(random);
    for (int32_t i = 0; i < n_kept; i++) {
        at -= weights[i];
        if (at <= 0.0) {
            return order[i];
        }
    }
    return order[n_kept - 1];
}
