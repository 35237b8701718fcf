#include "engine/decode.h"

#include "base/error.h"

#include <algorithm>

void decode(const decoder & d, const generate_params & p, const task_flags & flags, const generate_events & events,
        steady::time_point begin, generate_result & r) {
    sampler choose(p.sampling);
    steady::time_point decode_begin = steady::now();
    double bytes = 0;
    r.reason = END_LENGTH;
    while ((int32_t) r.tokens.size() < p.n_max) {
        if (flags.abort) {
            fail(ERROR_CANCELLED, "cancelled");
        }
        if (flags.stop) {
            r.reason = END_STOPPED;
            break;
        }
        const int32_t id = choose.sample(d.logits.data(), (int32_t) d.logits.size());
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
        if (d.is_full()) {
            r.reason = END_CONTEXT_FULL;
            break;
        }
        const step_cost cost = d.feed(id);
        bytes += (double) cost.bytes;
        r.n_steps++;
        r.n_fasa_steps += cost.sparse;
    }
    r.decode_ms      = r.n_steps > 0 ? ms_since(decode_begin) : 0.0;
    r.bytes_per_step = r.n_steps > 0 ? bytes/r.n_steps : 0.0;
}
