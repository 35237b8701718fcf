#pragma once

// The engine thread: one per process, with a queue. Tasks run one at a time, higher priority first, then in order.
// Nothing of it uses libuv's workers, and nothing of it knows JavaScript.

#include "base/error.h"
#include "engine/sequence.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

struct worker_task {
    task_flags flags;
    int32_t priority = 0;
    const void * owner = nullptr; // model or sequence that the task uses: its end cancels the task
    double queue_ms = 0;          // set when the task begins

    std::function<void(worker_task &)> run;         // on the engine thread; may throw
    std::function<void(const native_error *)> done; // once, on the engine thread or the one that cancels; nullptr: it worked

private:
    uint64_t order = 0;
    int64_t queued_at = 0;
    friend struct worker;
};

struct worker {
    worker();
    ~worker(); // cancels everything and joins

    void start(std::shared_ptr<worker_task> task);
    void cancel(worker_task & task);       // out of the queue at once, or by its abort flag
    void cancel_owner(const void * owner); // all tasks of a model or sequence

private:
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::shared_ptr<worker_task>> queue;
    std::shared_ptr<worker_task> running;
    uint64_t n_started = 0;
    bool closing = false;
    std::thread thread; // last: it uses all of the above

    void loop();
    std::shared_ptr<worker_task> next(); // nullptr: closing
    static void finish(worker_task & task);
};
