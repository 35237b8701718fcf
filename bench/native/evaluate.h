#pragma once

// What tests and benchmarks ask of a sequence: teacher-forced logits, and the time of decode steps at a depth.

#include "bench/native/policy.h"
#include "engine/sequence.h"

#include <cstdint>
#include <memory>
#include <vector>

struct evaluate_params {
    std::vector<int32_t> tokens;
    int32_t from = 0;                        // logits of positions >= from
    bool stepwise = false;                   // those positions one by one
    attention_params attention;              // of the steps
    fasa_policy policy = POLICY_FASA;        // how sparse steps choose
    std::shared_ptr<const chunk_set> chunks; // seen from n_late tokens before `from` on
};

// [tokens - from][n_vocab]; throws BAD_ARGUMENT, BAD_CALIBRATION, CONTEXT_FULL, CANCELLED, ...
std::vector<float> sequence_evaluate(const std::shared_ptr<sequence> & s, const evaluate_params & params, const task_flags & flags);

// Decode steps timed at a depth. Deeper than the tokens prefilled: their rows are repeated, so the text means nothing.
struct timing_params {
    std::vector<int32_t> tokens; // prefilled first, at least 2
    int32_t depth = 0;           // cached tokens at the first step
    int32_t n_steps = 0;
    attention_params attention;
};

struct timing_result {
    std::vector<double> step_ms;
    double bytes_per_step = 0;
    int32_t n_fasa_steps = 0;
    double tip_ms = 0, selection_ms = 0, fac_ms = 0; // mean of a step, first thread of the pool; on the CPU alone
};

// throws as sequence_evaluate; the sequence keeps the tokens prefilled
timing_result sequence_time_steps(sequence & s, const timing_params & params, const task_flags & flags);
