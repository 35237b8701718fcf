#include "addon/objects.h"
#include "addon/values.h"

Napi::Function reference_object::define(Napi::Env env) {
    return DefineClass(env, "NativeReference", {
        InstanceMethod<&reference_object::evaluate>("evaluate"),
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

Napi::Value reference_object::evaluate(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        if (!r) {
            fail(ERROR_DISPOSED, "the reference was disposed");
        }
        const std::vector<int32_t> tokens = tokens_of(info.Length() > 0 ? info[0] : info.Env().Undefined(), "tokens");
        const int32_t from = info.Length() > 1 && info[1].IsNumber() ? info[1].As<Napi::Number>().Int32Value() : -1;
        return js_task::start(info.Env(), r.get(), 0, {}, [held = r, tokens, from](worker_task & w, js_task &) -> js_task::make_result {
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
