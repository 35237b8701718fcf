#include "engine/sequence.h"

#include "base/clock.h"
#include "base/error.h"
#include "engine/compute/compute_cpu.h"
#include "engine/compute/compute_gpu.h"

#include <algorithm>

// Tokens of a micro-batch that sees the chunks: the weights are read once for all of them.
constexpr int32_t LATE_BATCH = 64;

// In a long answer, the files of the chunks are checked again after so many steps.
constexpr int32_t STEPS_BETWEEN_CHECKS = 32;

void task_flags::check() const {
    if (abort) {
        fail(ERROR_CANCELLED, "cancelled");
    }
}

sequence::sequence(std::unique_ptr<compute> w) : where(std::move(w)), m(*where->m), params(where->params) {}

std::shared_ptr<sequence> sequence::over(std::shared_ptr<model> m, sequence_params params, bool rows_on_host) {
    if (m->device) {
        return std::make_shared<sequence>(std::make_unique<compute_gpu>(std::move(m), std::move(params), rows_on_host));
    }
    return std::make_shared<sequence>(std::make_unique<compute_cpu>(std::move(m), std::move(params)));
}

void sequence::check(const std::vector<int32_t> & list, const attention_params & attention) const {
    if (list.empty()) {
        fail(ERROR_BAD_ARGUMENT, "there are no tokens to prefill");
    }
    if (list.size() > (size_t) params.n_ctx) {
        fail(ERROR_CONTEXT_FULL, "%zu tokens do not fit a context of %d", list.size(), params.n_ctx);
    }
    m.check_tokens(list);
    if (attention.budget < 1) {
        fail(ERROR_BAD_ARGUMENT, "a budget of %d tokens is not possible", attention.budget);
    }
    if (attention.mode == ATTENTION_FASA_C && !params.calib) {
        fail(ERROR_BAD_CALIBRATION, "FASA attention needs a calibration of this model");
    }
}

void sequence::use_chunks(std::shared_ptr<const chunk_set> wanted) {
    if (wanted && wanted->chunks.empty()) {
        wanted.reset();
    }
    where->use_chunks(wanted.get());
    chunks = std::move(wanted);
}

void sequence::truncate(int32_t n) {
    tokens.resize(n);
    n_in_batches = std::min(n_in_batches, n);
    where->truncate(n);
    n_cached = n;
}

void sequence::commit(const int32_t * ids, int32_t n) {
    tokens.insert(tokens.end(), ids, ids + n);
    n_cached = n_tokens();
}

void sequence::run_batch(const int32_t * ids, int32_t n, int32_t n_out, float * logits, const query_capture * capture) {
    where->run_batch(ids, n, n_tokens(), n_out, logits, capture);
    if (n > 1 && n_in_batches == n_tokens()) {
        n_in_batches += n;
    }
    commit(ids, n);
}

step_cost sequence::run_steps(const int32_t * ids, int32_t n, int32_t n_out, const attention_params & attention, float * logits) {
    const step_cost cost = where->run_steps(ids, n, n_tokens(), n_out, attention, logits);
    commit(ids, n);
    return cost;
}

int32_t sequence::n_common(const std::vector<int32_t> & list) const {
    return (int32_t) (std::mismatch(tokens.begin(), tokens.end(), list.begin(), list.end()).first - tokens.begin());
}

int32_t sequence::first_late(int32_t end) const {
    const int32_t n_anchor = params.composition ? params.composition->n_anchor : 0;
    return chunks ? std::max({ n_anchor, FASA_ANCHOR_TOKENS, end - chunks->n_late }) : INT32_MAX;
}

generate_result sequence::generate(const generate_params & p, const task_flags & flags, const generate_events & events) {
    const steady::time_point begin = steady::now();
    const abort_scope scope(*this, flags);
    check(p.tokens, p.attention);
    use_chunks(p.chunks);
    generate_result r;
    std::vector<float> logits(m.hp.n_vocab);
    prefill(p, flags, events, logits.data(), r);
    r.prefill_ms = ms_since(begin);
    if (p.count_attention) {
        where->count_attention(true);
    }
    decode(p, flags, events, logits, r, begin);
    if (p.count_attention) {
        where->count_attention(false);
        r.attention = where->counted_attention(n_tokens());
    }
    return r;
}

// Reuses the longest cached prefix, then computes the rest in micro-batches; the logits are those of the last token.
void sequence::prefill(const generate_params & p, const task_flags & flags, const generate_events & events, float * logits, generate_result & r) {
    // the last token is always computed: its logits choose the first new one
    const int32_t n_all = (int32_t) p.tokens.size();
    r.n_reused = std::min(n_common(p.tokens), n_all - 1);
    truncate(r.n_reused);
    const int32_t n_total = n_all - r.n_reused, late = first_late(n_all);
    while (r.n_prefilled < n_total) {
        flags.check();
        const int32_t at = n_tokens(), n_before = late - at; // tokens that do not see the chunks
        const int32_t n = std::min({ n_before > 0 ? params.n_ubatch : LATE_BATCH, n_before > 0 ? n_before : INT32_MAX, n_total - r.n_prefilled });
        const int32_t n_out = r.n_prefilled + n == n_total ? 1 : 0;
        if (n_total == 1 || n_before <= 0) {
            run_steps(p.tokens.data() + at, n, n_out, p.attention, logits);
        } else {
            run_batch(p.tokens.data() + at, n, n_out, logits);
        }
        r.n_prefilled += n;
        if (events.progress) {
            events.progress(r.n_prefilled, n_total);
        }
    }
}

// From the logits of the last prompt token on: samples, reports, computes, until something ends it.
void sequence::decode(const generate_params & p, const task_flags & flags, const generate_events & events, std::vector<float> & logits, generate_result & r,
    steady::time_point begin) {
    sampler choose(p.sampling);
    steady::time_point decode_begin = steady::now();
    double bytes = 0;
    while ((int32_t) r.tokens.size() < p.n_max) {
        flags.check();
        if (flags.stop) {
            r.reason = END_STOPPED;
            break;
        }
        const int32_t id = choose.sample(logits.data(), m.hp.n_vocab);
        if (r.tokens.empty()) {
            r.first_token_ms = ms_since(begin);
            decode_begin = steady::now();
        }
        if (std::find(p.stop_tokens.begin(), p.stop_tokens.end(), id) != p.stop_tokens.end()) {
            r.reason = END_STOP_TOKEN;
            break;
        }
        r.tokens.push_back(id);
        if (events.token) {
            events.token(id);
        }
        if ((int32_t) r.tokens.size() >= p.n_max) {
            break;
        }
        if (n_tokens() >= params.n_ctx) {
            r.reason = END_CONTEXT_FULL;
            break;
        }
        if (chunks && r.n_steps % STEPS_BETWEEN_CHECKS == STEPS_BETWEEN_CHECKS - 1) {
            chunks->check_intact();
        }
        const step_cost cost = run_steps(&id, 1, 1, p.attention, logits.data());
        bytes += (double) cost.bytes;
        r.n_steps++;
        r.n_fasa_steps += cost.sparse;
    }
    r.decode_ms = r.n_steps > 0 ? ms_since(decode_begin) : 0.0;
    r.bytes_per_step = r.n_steps > 0 ? bytes / r.n_steps : 0.0;
}

void sequence::capture_queries(const std::vector<int32_t> & list, const query_capture & capture, const task_flags & flags,
    const std::function<void(int32_t)> & progress) {
    const abort_scope scope(*this, flags);
    check(list, {});
    truncate(0);
    while (n_tokens() < (int32_t) list.size()) {
        const int32_t n = std::min(params.n_ubatch, (int32_t) list.size() - n_tokens());
        run_batch(list.data() + n_tokens(), n, 0, nullptr, &capture);
        progress(n_tokens());
    }
}
