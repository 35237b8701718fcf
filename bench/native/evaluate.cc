// Teacher-forced logits of a sequence, for parity tests and for evaluation of how tokens are chosen.

#include "bench/native/evaluate.h"

#include "base/error.h"
#include "engine/compute/compute_cpu.h"

#include <algorithm>

// Queries of the prefix that the paper's policies are calibrated on, and the fewest tokens that each of them sees.
constexpr int32_t AGREEMENT_QUERIES = 48;
constexpr int32_t AGREEMENT_MIN_TOKENS = 512;

namespace {

// The last agreement that was counted: the paper's two policies choose from the same one.
struct counted_agreement {
    std::weak_ptr<sequence> of;
    std::vector<int32_t> prefix;
    int32_t k = 0;
    std::unique_ptr<agreement_counter> counter;
};

// The paper's FCs are chosen on the evaluated text's own earlier part, which favours them.
query_head_fcs agreed_fcs(const std::shared_ptr<sequence> & s, const compute_cpu & cpu, const evaluate_params & p, const task_flags & flags) {
    static thread_local counted_agreement last;
    const std::vector<int32_t> prefix(p.tokens.begin(), p.tokens.begin() + p.from);
    if (last.of.lock() != s || last.prefix != prefix || last.k != p.attention.budget) {
        if ((int32_t) prefix.size() < AGREEMENT_MIN_TOKENS) {
            fail(ERROR_BAD_ARGUMENT, "contextual agreement needs %d tokens before the first step", AGREEMENT_MIN_TOKENS);
        }
        last = { {}, prefix, p.attention.budget, std::make_unique<agreement_counter>(cpu.m->hp, cpu.kv, cpu.fasa->kernels, p.attention.budget) };
        const query_capture capture = { std::max<int32_t>(1, p.from / AGREEMENT_QUERIES), [&](int32_t il, int32_t position, const float * q) {
                                           if (position + 1 >= AGREEMENT_MIN_TOKENS) {
                                               last.counter->observe(il, q, position + 1);
                                           }
                                       } };
        s->capture_queries(prefix, capture, flags, [](int32_t) {});
        last.of = s; // all of it was observed
    }
    return last.counter->choose(p.policy == POLICY_PAPER_KV);
}

// steps choose by this policy while it lives (nullptr: by importance keys)
struct policy_scope {
    fasa_session * fasa;
    policy_scope(fasa_session * fasa, const choice_policy * policy) : fasa(fasa) { set(policy); }
    ~policy_scope() { set(nullptr); }
    void set(const choice_policy * policy) {
        if (fasa) {
            fasa->policy = policy;
        }
    }
};

} // namespace

std::vector<float> sequence_evaluate(const std::shared_ptr<sequence> & held, const evaluate_params & p, const task_flags & flags) {
    sequence & s = *held;
    s.check(p.tokens, p.attention);
    const int32_t n = (int32_t) p.tokens.size(), n_vocab = s.m.hp.n_vocab;
    if (p.from < 0 || p.from >= n) {
        fail(ERROR_BAD_ARGUMENT, "logits from position %d of %d tokens are not possible", p.from, n);
    }
    compute_cpu * cpu = dynamic_cast<compute_cpu *>(s.where.get());
    std::unique_ptr<choice_policy> policy;
    query_head_fcs fcs;
    if (p.policy != POLICY_FASA && (cpu || p.policy != POLICY_FASA_F16)) { // a GPU's importance keys are f16
        if (!cpu) {
            fail(ERROR_BAD_ARGUMENT, "other policies than FASA are evaluated on the CPU alone");
        }
        if (!s.params.calib) {
            fail(ERROR_BAD_CALIBRATION, "policies need a context with a calibration");
        }
        if (p.policy == POLICY_PAPER || p.policy == POLICY_PAPER_KV) {
            fcs = agreed_fcs(held, *cpu, p, flags);
        }
        policy = choice_policy_new(p.policy, s.m.hp, cpu->kv, cpu->fasa->kernels, &fcs);
    }
    s.use_chunks(p.chunks);
    if (s.n_chunk_tokens() > 0 && policy) {
        fail(ERROR_BAD_ARGUMENT, "other policies read the sequence alone, no chunks");
    }
    const int32_t late = s.first_late(p.from);
    const abort_scope scope(s, flags);
    const policy_scope chosen(cpu ? cpu->fasa.get() : nullptr, policy.get());
    // a graph on a device gives the logits of one token: there all go one by one
    const bool stepwise = p.stepwise || !cpu;
    const attention_params attention = p.stepwise || cpu ? p.attention : attention_params { ATTENTION_DENSE, p.attention.budget, 0 };
    // rows of dense micro-batches stay where tokens agree, so that runs over one prefix do not compute it again
    s.truncate(std::min({ s.n_common(p.tokens), s.n_batched(), p.from, late }));
    std::vector<float> out((size_t) (n - p.from) * n_vocab);
    float * row = out.data();
    while (s.n_tokens() < n) {
        flags.check();
        const int32_t at = s.n_tokens();
        const bool step = stepwise && at >= p.from;
        const int32_t end = at < late && late < n ? std::min(late, stepwise ? p.from : n) : stepwise && at < p.from ? p.from
                                                                                                                    : n;
        const int32_t batch = step ? 1 : std::min(s.params.n_ubatch, end - at);
        const int32_t n_out = std::max(0, std::min(batch, at + batch - p.from));
        if (step || at >= late) {
            s.run_steps(p.tokens.data() + at, batch, n_out, attention, row);
        } else {
            s.run_batch(p.tokens.data() + at, batch, n_out, row);
        }
        row += (size_t) n_out * n_vocab;
    }
    return out;
}
