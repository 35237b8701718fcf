#include "addon/objects.h"
#include "addon/values.h"

Napi::Function reference_object::define(Napi::Env env) {
    return DefineClass(env, "NativeReference", {
        InstanceMethod<&reference_object::evaluate>("evaluate"),
        InstanceMethod<&reference_object::time_steps>("timeSteps"),
        InstanceMethod<&reference_object::time_prefill>("timePrefill"),
        InstanceMethod<&reference_object::dispose>("dispose"),
    });
}

Napi::Value reference_object::make(Napi::Env env, std::shared_ptr<reference> r) {
    return env.GetInstanceData<addon_data>()->reference_class.New({ Napi::External<std::shared_ptr<reference>>::New(env, &r) });
}

reference_object::reference_object(const Napi::CallbackInfo & info) : ObjectWrap(info) {
    if (info.Length() == 1 && info[0].IsExternal()) {
        r = *info[0].As<Napi::External<std::shared_ptr<reference>>>().Data();
    }
}

const std::shared_ptr<reference> & reference_object::alive() const {
    if (!r) {
        fail(ERROR_DISPOSED, "the reference was disposed");
    }
    return r;
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

Napi::Value reference_object::dispose(const Napi::CallbackInfo & info) {
    addon_data * addon = info.Env().GetInstanceData<addon_data>();
    if (r && addon->engine) {
        addon->engine->cancel_owner(r.get());
    }
    r.reset();
    return info.Env().Undefined();
}
