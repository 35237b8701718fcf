#pragma once

#include <cstdint>
#include <random>
#include <vector>

struct sampling_params {
    float temperature = 0.0f; // 0: greedy
    int32_t top_k = 40;       // 0: all
    float top_p = 0.95f;
    uint32_t seed = 0;
};

// Chooses the next token from logits: temperature over the top_k best, cut where their probabilities sum to top_p.
struct sampler {
    explicit sampler(const sampling_params & params) : params(params), random(params.seed) {}
    int32_t sample(const float * logits, int32_t n_vocab);

private:
    sampling_params params;
    std::mt19937 random;
    std::vector<int32_t> order;
    std::vector<double> weights;
};
