#pragma once

// What a sequence of tokens over a model can do, wherever its cache lies: context (on the CPU) and gpu_context. Used by one
// thread at a time (the engine's), but for usage(). The parameters are declared in engine/context.h.

#include <cstdint>
#include <vector>

struct generate_params;
struct generate_events;
struct generate_result;
struct evaluate_params;
struct timing_params;
struct timing_result;
struct measure_params;
struct measure_result;
struct context_usage;
struct task_flags;

struct sequence {
    virtual ~sequence() = default;

    // throws BAD_ARGUMENT, CONTEXT_FULL, CANCELLED, ...: the tokens fed so far stay, and stay consistent
    virtual generate_result    generate(const generate_params & params, const task_flags & flags, const generate_events & events) = 0;
    virtual std::vector<float> evaluate(const evaluate_params & params, const task_flags & flags) = 0; // [tokens - from][n_vocab]
    virtual timing_result      time_steps(const timing_params & params, const task_flags & flags) = 0;
    // throws BAD_CALIBRATION; BAD_ARGUMENT when there are too few cached tokens to choose from; CANCELLED
    virtual measure_result     measure(const measure_params & params, const task_flags & flags) = 0;
    virtual void               clear() = 0;

    virtual context_usage usage() const = 0;          // safe from any thread
    virtual int64_t       bytes_reserved() const = 0; // of host memory
};
