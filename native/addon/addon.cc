// The Node-API surface: language-server/engine/native/addon.ts says what each of these is.

#include "addon/objects.h"
#include "addon/values.h"
#include "kernels/kernels.h"
#include "model/backend.h"
#include "model/gguf_file.h"

#include "ggml.h"

#include <napi.h>

static Napi::Value load_backends(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        backend_load(path_of(info.Length() > 0 ? info[0] : info.Env().Undefined()));
        return info.Env().Undefined();
    });
}

static Napi::Value devices(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        Napi::Array list = Napi::Array::New(info.Env());
        for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
            ggml_backend_dev_props props;
            ggml_backend_dev_get_props(ggml_backend_dev_get(i), &props);
            Napi::Object o = Napi::Object::New(info.Env());
            o.Set("name", Napi::String::New(info.Env(), props.name));
            o.Set("description", Napi::String::New(info.Env(), props.description));
            o.Set("kind", Napi::String::New(info.Env(), device_kind(ggml_backend_dev_get(i))));
            o.Set("software", Napi::Boolean::New(info.Env(), device_is_software(ggml_backend_dev_get(i))));
            o.Set("memoryFree", Napi::Number::New(info.Env(), (double) props.memory_free));
            o.Set("memoryTotal", Napi::Number::New(info.Env(), (double) props.memory_total));
            list.Set((uint32_t) i, o);
        }
        return list;
    });
}

static Napi::Value cpu_features(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const auto text = [env = info.Env()](const std::string & name) { return Napi::String::New(env, name); };
        Napi::Object o = Napi::Object::New(info.Env());
        o.Set("library", Napi::String::New(info.Env(), ggml_backend_reg_name(ggml_backend_dev_backend_reg(backend_cpu_device()))));
        o.Set("features", list_to_js(info.Env(), backend_cpu_features(), text));
        o.Set("fasaKernels", Napi::String::New(info.Env(), fasa_kernels_best()->name));
        return o;
    });
}

static Napi::Value inspect_model(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const gguf_file file(path_of(info.Length() > 0 ? info[0] : info.Env().Undefined()));
        const model_hparams hp = model_hparams_read(file);
        model_check_tensors(file, hp);
        const vocab words(file, hp.n_vocab);
        return model_info_to_js(info.Env(), file, hp, model_summarize(file), words);
    });
}

static Napi::Value load_model(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const Napi::Object o = object_at(info, 0);
        const std::string path = path_of(o.Get("path"));
        ggml_backend_dev_t device = o.Get("device").IsUndefined() ? nullptr : device_find(string_of(o, "device"));
        return js_task::start(info.Env(), nullptr, 0, { function_at(info, 1) }, [path, device](worker_task & w, js_task & t) -> js_task::make_result {
            double reported = -1.0; // a hundred steps are enough for a person
            std::shared_ptr<model> m = model::load(path, device, w.flags.abort, [&](float share) {
                if (share - reported >= 0.01 || share >= 1.0f) {
                    reported = share;
                    t.call(0, { share });
                }
            });
            return [m](Napi::Env env) { return model_object::make(env, m); };
        });
    });
}

std::vector<addon_part> & addon_parts() {
    static std::vector<addon_part> parts;
    return parts;
}

// process.exit() ends the main environment without its cleanup hooks, and the static objects of ggml would go while the
// engine's thread computes with them. What runs last in JavaScript is the event.
static void end_with_process(Napi::Env env) {
    const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
    const Napi::Function end = Napi::Function::New(env, [](const Napi::CallbackInfo & info) { info.Env().GetInstanceData<addon_data>()->end(); });
    process.Get("once").As<Napi::Function>().Call(process, { Napi::String::New(env, "exit"), end });
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
    env.SetInstanceData(new addon_data()); // ended with the environment
    end_with_process(env);
    model_object::define(env);
    sequence_object::define(env);
    encoder_object::define(env);
    chunk_object::define(env);

    Napi::Object versions = Napi::Object::New(env);
    versions.Set("addon", Napi::String::New(env, "0.1.0"));
    versions.Set("ggml", Napi::String::New(env, ggml_version()));
    versions.Set("napi", Napi::Number::New(env, NAPI_VERSION));
    exports.Set("versions", versions);
    exports.Set("loadBackends", Napi::Function::New(env, load_backends));
    exports.Set("devices", Napi::Function::New(env, devices));
    exports.Set("cpuFeatures", Napi::Function::New(env, cpu_features));
    exports.Set("inspectModel", Napi::Function::New(env, inspect_model));
    exports.Set("loadModel", Napi::Function::New(env, load_model));
    for (const addon_part part : addon_parts()) {
        part(env, exports);
    }
    return exports;
}

NODE_API_MODULE(fasa, init)
