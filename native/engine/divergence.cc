#include "engine/divergence.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace {

struct distribution {
    int32_t best;
    double  log_sum;
};

distribution distribution_of(const std::vector<float> & logits) {
    const auto most = std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float x : logits) {
        sum += std::exp((double) x - *most);
    }
    return { (int32_t) (most - logits.begin()), *most + std::log(sum) };
}

} // namespace

double logits_divergence(const std::vector<float> & p, const std::vector<float> & q, bool & agree) {
    const distribution dp = distribution_of(p), dq = distribution_of(q);
    double kl = 0;
    for (size_t i = 0; i < p.size(); i++) {
        const double log_p = p[i] - dp.log_sum;
        kl += std::exp(log_p)*(log_p - q[i] + dq.log_sum);
    }
    agree = dp.best == dq.best;
    return std::max(kl, 0.0);
}
