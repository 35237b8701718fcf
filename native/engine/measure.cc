// The honest meter: FASA and dense steps over what is in the cache, for their speed and for how far apart they are.

#include "engine/sequence.h"

#include "base/clock.h"
#include "base/error.h"

#include <algorithm>
#include <cmath>

namespace {

struct distribution {
    int32_t best;
    double log_sum;
};

distribution distribution_of(const std::vector<float> & logits) {
    const auto best = std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float x : logits) {
        sum += std::exp((double) x - *best);
    }
    return { (int32_t) (best - logits.begin()), *best + std::log(sum) };
}

// KL(softmax(p) || softmax(q)) in nats of two lists of logits, at least 0; agree: whether the same token is the most likely.
double logits_divergence(const std::vector<float> & p, const std::vector<float> & q, bool & agree) {
    const distribution dp = distribution_of(p), dq = distribution_of(q);
    double kl = 0;
    for (size_t i = 0; i < p.size(); i++) {
        const double log_p = p[i] - dp.log_sum;
        kl += std::exp(log_p) * (log_p - q[i] + dq.log_sum);
    }
    agree = dp.best == dq.best;
    return std::max(kl, 0.0);
}

} // namespace

measure_result sequence::measure(const measure_params & p, const task_flags & flags) {
    if (!params.calib) {
        fail(ERROR_BAD_CALIBRATION, "FASA attention needs a calibration of this model");
    }
    const int32_t n = n_tokens(), base = n - p.n_steps;
    if (p.n_steps < 2 || p.budget < 1 || base + n_chunk_tokens() <= p.budget) {
        fail(ERROR_BAD_ARGUMENT, "%d steps with a budget of %d tokens cannot be measured over %d cached tokens", p.n_steps, p.budget, n);
    }
    if (chunks) {
        chunks->check_intact();
    }
    const abort_scope scope(*this, flags);
    const std::vector<int32_t> last(tokens.begin() + base, tokens.end());
    measure_result r;
    r.n_tokens = base + n_chunk_tokens();
    std::vector<std::vector<float>> sparse_logits;
    std::vector<float> logits(m.hp.n_vocab);
    const auto steps = [&](const attention_params & attention, const std::function<void(double ms)> & done) {
        truncate(base);
        for (const int32_t id : last) {
            flags.check();
            const steady::time_point begin = steady::now();
            run_steps(&id, 1, 1, attention, logits.data());
            done(ms_since(begin));
        }
    };
    steps({ ATTENTION_FASA_C, p.budget, 0 }, [&](double ms) {
        r.fasa_ms.push_back(ms);
        sparse_logits.push_back(logits);
    });
    size_t i = 0;
    steps({ ATTENTION_DENSE, p.budget, 0 }, [&](double ms) { // what these write stays in the cache
        r.dense_ms.push_back(ms);
        bool agree = false;
        r.kl.push_back(logits_divergence(logits, sparse_logits[i++], agree));
        r.n_agreeing += agree;
    });
    return r;
}
