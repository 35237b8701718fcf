#pragma once

// A task of the engine thread as JavaScript sees it: { promise, cancel(), stop() }.

#include "engine/worker.h"

#include <napi.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

// One engine a Node environment; ended, and its thread joined, before the environment goes.
struct addon_data {
    std::unique_ptr<worker> engine = std::make_unique<worker>();
    std::atomic<bool> closing = false;
    std::map<std::string, Napi::FunctionReference> classes; // by name

    // Cancels everything, and joins the engine's thread; nothing can be started any more.
    void end() {
        closing = true;
        engine.reset();
    }
};

struct js_task : std::enable_shared_from_this<js_task> {
    // makes the promise's value, on the JS thread
    using make_result = std::function<Napi::Value(Napi::Env)>;
    // runs on the engine thread. It must not own anything of JavaScript: callbacks live in the task.
    using task_body = std::function<make_result(worker_task &, js_task &)>;

    // owner: what a dispose cancels. callbacks: functions of JavaScript, by index; undefined ones are never called.
    static Napi::Object start(Napi::Env env, const void * owner, int32_t priority, const std::vector<Napi::Value> & callbacks, task_body body);

    // From the engine thread: callback i gets these numbers, on the JS thread, in order, before the promise settles.
    void call(size_t i, std::vector<double> numbers);
    bool has_callback(size_t i) const { return !callbacks[i].IsEmpty(); }

private:
    js_task(Napi::Env env, addon_data * addon) : addon(addon), deferred(Napi::Promise::Deferred::New(env)) {}

    addon_data * addon;
    std::shared_ptr<worker_task> task;
    Napi::Promise::Deferred deferred;
    Napi::ThreadSafeFunction channel;
    std::vector<Napi::FunctionReference> callbacks; // ended on the JS thread
    make_result result;

    using event = std::function<void(Napi::Env)>;
    void post(event e);
    void settle(const native_error * error);
    void settle_on_js_thread(Napi::Env env, const native_error * error);
    static void on_environment_exit(void * data);
};
