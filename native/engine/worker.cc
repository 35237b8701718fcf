#include "engine/worker.h"

#include <algorithm>
#include <chrono>
#include <new>

static int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

worker::worker() : thread([this] { loop(); }) {}

worker::~worker() {
    std::vector<std::shared_ptr<worker_task>> left;
    {
        const std::lock_guard lock(mutex);
        closing = true;
        left.swap(queue);
        if (running) {
            running->flags.abort = true;
        }
    }
    changed.notify_all();
    const native_error cancelled(ERROR_CANCELLED, "cancelled: the engine is closing");
    for (const auto & task : left) {
        task->done(&cancelled);
    }
    thread.join();
}

void worker::start(std::shared_ptr<worker_task> task) {
    {
        const std::lock_guard lock(mutex);
        task->order = n_started++;
        task->queued_at = now_us();
        queue.push_back(std::move(task));
    }
    changed.notify_one();
}

void worker::cancel(worker_task & task) {
    std::shared_ptr<worker_task> found;
    {
        const std::lock_guard lock(mutex);
        task.flags.abort = true;
        const auto at = std::find_if(queue.begin(), queue.end(), [&task](const auto & t) { return t.get() == &task; });
        if (at != queue.end()) {
            found = *at;
            queue.erase(at);
        }
    }
    if (found) {
        const native_error cancelled(ERROR_CANCELLED, "cancelled");
        found->done(&cancelled);
    }
}

void worker::cancel_owner(const void * owner) {
    std::vector<std::shared_ptr<worker_task>> found;
    {
        const std::lock_guard lock(mutex);
        if (running && running->owner == owner) {
            running->flags.abort = true;
        }
        const auto gone = std::stable_partition(queue.begin(), queue.end(), [owner](const auto & t) { return t->owner != owner; });
        found.assign(gone, queue.end());
        queue.erase(gone, queue.end());
    }
    const native_error cancelled(ERROR_CANCELLED, "cancelled: what it used was disposed");
    for (const auto & task : found) {
        task->done(&cancelled);
    }
}

std::shared_ptr<worker_task> worker::next() {
    std::unique_lock lock(mutex);
    running.reset();
    changed.wait(lock, [this] { return closing || !queue.empty(); });
    if (closing) {
        return nullptr;
    }
    const auto best = std::min_element(queue.begin(), queue.end(), [](const auto & a, const auto & b) {
        return a->priority != b->priority ? a->priority > b->priority : a->order < b->order;
    });
    running = *best;
    queue.erase(best);
    running->queue_ms = (double) (now_us() - running->queued_at) / 1000.0;
    return running;
}

void worker::finish(worker_task & task) {
    try {
        task.run(task);
        task.done(nullptr);
    } catch (const native_error & e) {
        task.done(&e);
    } catch (const std::bad_alloc &) {
        const native_error e(ERROR_OUT_OF_MEMORY, "no memory left");
        task.done(&e);
    } catch (const std::exception & other) {
        const native_error e(ERROR_INTERNAL, other.what());
        task.done(&e);
    }
}

void worker::loop() {
    while (const std::shared_ptr<worker_task> task = next()) {
        finish(*task);
    }
}
