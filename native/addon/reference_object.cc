#include "addon/reference_object.h"
#include "addon/values.h"

std::vector<Napi::ClassPropertyDescriptor<reference_object>> reference_object::methods() {
    return {
        InstanceMethod<&reference_object::evaluate>("evaluate"),
        InstanceMethod<&reference_object::time_steps>("timeSteps"),
        InstanceMethod<&reference_object::time_prefill>("timePrefill"),
    };
}

Napi::Value reference_object::time_steps(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const Napi::Object o = object_at(info, 0);
        const std::vector<int32_t> tokens = tokens_of(o.Get("tokens"), "tokens");
        const int32_t depth = int_of(o, "depth", 0, 1 << 24), n_steps = int_of(o, "steps", 1, 1 << 20);
        return js_task::start(info.Env(), alive().get(), 0, {}, [held = alive(), tokens, depth, n_steps](worker_task & w, js_task &) -> js_task::make_result {
            std::vector<double> ms = held->time_steps(tokens, depth, n_steps, w.flags.abort);
            return [ms = std::move(ms)](Napi::Env env) { return doubles_to_js(env, ms); };
        });
    });
}

Napi::Value reference_object::time_prefill(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const std::vector<int32_t> tokens = tokens_of(info.Length() > 0 ? info[0] : info.Env().Undefined(), "tokens");
        return js_task::start(info.Env(), alive().get(), 0, {}, [held = alive(), tokens](worker_task & w, js_task &) -> js_task::make_result {
            const double ms = held->time_prefill(tokens, w.flags.abort);
            return [ms](Napi::Env env) { return Napi::Number::New(env, ms); };
        });
    });
}

Napi::Value reference_object::evaluate(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const std::vector<int32_t> tokens = tokens_of(info.Length() > 0 ? info[0] : info.Env().Undefined(), "tokens");
        const int32_t from = info.Length() > 1 && info[1].IsNumber() ? info[1].As<Napi::Number>().Int32Value() : -1;
        return js_task::start(info.Env(), alive().get(), 0, {}, [held = alive(), tokens, from](worker_task & w, js_task &) -> js_task::make_result {
            const auto logits = std::make_shared<std::vector<float>>(held->evaluate(tokens, from, w.flags.abort));
            return [logits](Napi::Env env) { return floats_to_js(env, *logits); };
        });
    });
}
