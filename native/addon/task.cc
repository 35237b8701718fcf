#include "addon/task.h"

#include "addon/values.h"

// An environment that goes with a task queued or running (a worker that is terminated): the engine's thread must be joined
// while the channels into JavaScript still exist. Cleanup hooks run last in, first out, so each task adds one after its
// channel's own.
void js_task::on_environment_exit(void * data) {
    ((js_task *) data)->addon->end();
}

Napi::Object js_task::start(Napi::Env env, const void * owner, int32_t priority, const std::vector<Napi::Value> & callbacks, task_body body) {
    addon_data * addon = env.GetInstanceData<addon_data>();
    if (!addon->engine) {
        fail(ERROR_DISPOSED, "the engine is closing");
    }
    const std::shared_ptr<js_task> self(new js_task(env, addon));
    for (const Napi::Value & callback : callbacks) {
        self->callbacks.push_back(callback.IsFunction() ? Napi::Persistent(callback.As<Napi::Function>()) : Napi::FunctionReference());
    }
    const Napi::Function nothing = Napi::Function::New(env, [](const Napi::CallbackInfo &) {});
    // the finalizer holds the task until its last event has run
    self->channel = Napi::ThreadSafeFunction::New(env, nothing, "fasa task", 0, 1, [held = self](Napi::Env) mutable { held.reset(); });
    napi_add_env_cleanup_hook(env, on_environment_exit, self.get());

    self->task = std::make_shared<worker_task>();
    worker_task & t = *self->task;
    t.owner = owner;
    t.priority = priority;
    t.run = [raw = self.get(), body = std::move(body)](worker_task & w) { raw->result = body(w, *raw); };
    t.done = [raw = self.get()](const native_error * error) { raw->settle(error); };

    Napi::Object handle = Napi::Object::New(env);
    handle.Set("promise", self->deferred.Promise());
    handle.Set("cancel", Napi::Function::New(env, [task = self->task, addon](const Napi::CallbackInfo &) {
        if (addon->engine) {
            addon->engine->cancel(*task);
        }
    }));
    handle.Set("stop", Napi::Function::New(env, [task = self->task](const Napi::CallbackInfo &) { task->flags.stop = true; }));
    addon->engine->start(self->task);
    return handle;
}

void js_task::post(event e) {
    if (addon->closing) {
        return;
    }
    event * held = new event(std::move(e));
    const napi_status status = channel.BlockingCall(held, [](Napi::Env env, Napi::Function, event * e) {
        const std::unique_ptr<event> owned(e);
        if (env != nullptr) {
            (*e)(env);
        }
    });
    if (status != napi_ok) {
        delete held; // the environment is closing
    }
}

void js_task::call(size_t i, std::vector<double> numbers) {
    if (!has_callback(i)) {
        return;
    }
    post([self = shared_from_this(), i, numbers = std::move(numbers)](Napi::Env env) {
        Napi::HandleScope scope(env);
        std::vector<napi_value> args;
        for (const double n : numbers) {
            args.push_back(Napi::Number::New(env, n));
        }
        self->callbacks[i].Call(args);
    });
}

void js_task::settle(const native_error * error) {
    const std::shared_ptr<js_task> self = shared_from_this();
    if (error) {
        post([self, failure = *error](Napi::Env env) { self->settle_on_js_thread(env, &failure); });
    } else {
        post([self](Napi::Env env) { self->settle_on_js_thread(env, nullptr); });
    }
    if (!addon->closing) {
        channel.Release();
    }
}

void js_task::settle_on_js_thread(Napi::Env env, const native_error * error) {
    Napi::HandleScope scope(env);
    napi_remove_env_cleanup_hook(env, on_environment_exit, this);
    callbacks.clear();
    try {
        if (error) {
            throw *error;
        }
        deferred.Resolve(result(env));
    } catch (const native_error & e) {
        deferred.Reject(error_to_js(env, e).Value());
    } catch (const std::exception & e) {
        deferred.Reject(error_to_js(env, native_error(ERROR_INTERNAL, e.what())).Value());
    }
    result = nullptr;
}
