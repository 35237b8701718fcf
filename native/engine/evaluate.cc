// Teacher-forced logits of a context, for parity tests and for evaluation of how tokens are chosen.

#include "engine/context.h"

#include "base/error.h"

#include <algorithm>

// Queries of the prefix that the paper's policies are calibrated on, and the fewest tokens that each of them sees.
constexpr int32_t AGREEMENT_QUERIES    = 48;
constexpr int32_t AGREEMENT_MIN_TOKENS = 512;

// The paper's FCs are chosen on the evaluated text's own earlier part, which favours them.
void context::count_agreement(const std::vector<int32_t> & prefix, int32_t k, const task_flags & flags) {
    if (agreement && agreed_tokens == prefix) {
        return;
    }
    if ((int32_t) prefix.size() < AGREEMENT_MIN_TOKENS) {
        fail(ERROR_BAD_ARGUMENT, "contextual agreement needs %d tokens before the first step", AGREEMENT_MIN_TOKENS);
    }
    agreement = std::make_unique<agreement_counter>(m->hp, kv, fasa->kernels, k);
    agreed_tokens.clear();
    capture_queries(prefix, std::max<int32_t>(1, (int32_t) prefix.size()/AGREEMENT_QUERIES), flags,
        [&](int32_t il, int32_t position, const float * q) {
            if (position + 1 >= AGREEMENT_MIN_TOKENS) {
                agreement->observe(il, q, position + 1);
            }
        }, [](int32_t) {});
    agreed_tokens = prefix;
}

std::vector<float> context::evaluate(const evaluate_params & p, const task_flags & flags) {
    check_tokens(p.tokens);
    check_attention(p.attention);
    const int32_t n = (int32_t) p.tokens.size(), n_vocab = m->hp.n_vocab;
    if (p.from < 0 || p.from >= n) {
        fail(ERROR_BAD_ARGUMENT, "logits from position %d of %d tokens are not possible", p.from, n);
    }
    std::unique_ptr<choice_policy> policy;
    query_head_fcs fcs;
    if (p.policy != POLICY_FASA) {
        if (!params.calib) {
            fail(ERROR_BAD_CALIBRATION, "policies need a context with a calibration");
        }
        if (p.policy == POLICY_PAPER || p.policy == POLICY_PAPER_KV) {
            count_agreement({ p.tokens.begin(), p.tokens.begin() + p.from }, p.attention.budget, flags);
            fcs = agreement->choose(p.policy == POLICY_PAPER_KV);
        }
        policy = choice_policy_new(p.policy, m->hp, kv, fasa->kernels, &fcs);
    }
    use_repository(p.repository);
    if (repository && policy) {
        fail(ERROR_BAD_ARGUMENT, "other policies read the sequence alone, no chunks");
    }
    const int32_t      late = first_late(p.from);
    const abort_scope  scope(*this, flags);
    const policy_scope chosen(*this, policy.get());
    // rows of dense micro-batches stay where tokens agree, so that runs over one prefix do not feed it again
    const int32_t n_same = (int32_t) (std::mismatch(tokens.begin(), tokens.end(), p.tokens.begin(), p.tokens.end()).first - tokens.begin());
    truncate(std::min({ n_same, n_batched, p.from, late }));
    std::vector<float> out((size_t) (n - p.from)*n_vocab);
    float * row = out.data();
    int64_t step_bytes = 0;
    bool    sparse = false;
    while ((int32_t) tokens.size() < n) {
        if (flags.abort) {
            fail(ERROR_CANCELLED, "cancelled");
        }
        const int32_t at = (int32_t) tokens.size();
        const bool    step = p.stepwise && at >= p.from;
        const int32_t end  = at < late && late < n ? std::min(late, p.stepwise ? p.from : n) : p.stepwise && at < p.from ? p.from : n;
        const int32_t n_batch = std::min(params.n_ubatch, end - at);
        const int32_t n_out   = step ? 1 : std::max(0, std::min(n_batch, at + n_batch - p.from));
        decoder_graph & g = step ? run_step(p.tokens[at], p.attention, step_bytes, sparse)
            : at >= late ? run_late(p.tokens.data() + at, n_batch, n_out, p.attention) : run_batch(p.tokens.data() + at, n_batch, n_out, {});
        if (n_out > 0) {
            ggml_backend_tensor_get(g.logits, row, 0, (size_t) n_out*n_vocab*sizeof(float));
            row += (size_t) n_out*n_vocab;
        }
    }
    return out;
}
