#pragma once

// The classes of the addon's surface. Each holds a native object until dispose() or the garbage collector.

#include "addon/task.h"
#include "base/error.h"
#include "engine/encoder.h"
#include "model/model.h"

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

// What a class has in common with the others. Self names itself for JavaScript (CLASS) and for errors (WHAT), lists its
// methods, and says how many bytes are reported to V8: reported(native).
template <typename Self, typename T> struct native_object : Napi::ObjectWrap<Self> {
    static void define(Napi::Env env) {
        std::vector<Napi::ClassPropertyDescriptor<Self>> list = Self::methods();
        const typename Self::InstanceMethodCallback end = &native_object::dispose_method;
        list.push_back(Self::InstanceMethod("dispose", end));
        env.GetInstanceData<addon_data>()->classes[Self::CLASS] = Napi::Persistent(native_object::DefineClass(env, Self::CLASS, list));
    }

    static Napi::Object make(Napi::Env env, std::shared_ptr<T> native) {
        return env.GetInstanceData<addon_data>()->classes[Self::CLASS].New({ Napi::External<std::shared_ptr<T>>::New(env, &native) });
    }

    static Napi::Object prototype(Napi::Env env) {
        return env.GetInstanceData<addon_data>()->classes[Self::CLASS].Value().Get("prototype").template As<Napi::Object>();
    }

    // The native object of a value. throws BAD_ARGUMENT, DISPOSED
    static const std::shared_ptr<T> & of(const Napi::Value & v) {
        if (!v.IsObject() || !v.As<Napi::Object>().InstanceOf(v.Env().GetInstanceData<addon_data>()->classes[Self::CLASS].Value())) {
            fail(ERROR_BAD_ARGUMENT, "%s is expected that this addon made", Self::WHAT);
        }
        return Self::Unwrap(v.As<Napi::Object>())->alive();
    }

    // NOLINTNEXTLINE(bugprone-crtp-constructor-accessibility): Node-API makes each class by this constructor, inherited
    explicit native_object(const Napi::CallbackInfo & info) : Napi::ObjectWrap<Self>(info) {
        if (info.Length() == 1 && info[0].IsExternal()) {
            native = *info[0].template As<Napi::External<std::shared_ptr<T>>>().Data();
            bytes = Self::reported(*native);
            Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytes);
        }
    }
    ~native_object() override { release(this->Env()); }

protected:
    const std::shared_ptr<T> & alive() const { // throws DISPOSED
        if (!native) {
            fail(ERROR_DISPOSED, "%s was disposed", Self::WHAT);
        }
        return native;
    }
    const std::shared_ptr<T> & held() const { return native; } // nullptr once it was disposed

private:
    std::shared_ptr<T> native;
    int64_t bytes = 0;

    Napi::Value dispose_method(const Napi::CallbackInfo & info) {
        addon_data * addon = info.Env().GetInstanceData<addon_data>();
        if (native && addon->engine) {
            addon->engine->cancel_owner(native.get()); // what others hold of it lives on until they are disposed themselves
        }
        release(info.Env());
        return info.Env().Undefined();
    }

    void release(Napi::Env env) {
        if (native) {
            Napi::MemoryManagement::AdjustExternalMemory(env, -bytes);
            native.reset();
        }
    }
};

struct model_object : native_object<model_object, model> {
    using native_object::native_object;
    static constexpr const char * CLASS = "NativeModel";
    static constexpr const char * WHAT = "the model";
    static std::vector<Napi::ClassPropertyDescriptor<model_object>> methods();
    static int64_t reported(const model & m) { return m.repacked_bytes; }

private:
    Napi::Value info(const Napi::CallbackInfo & info);
    Napi::Value tokenize(const Napi::CallbackInfo & info);
    Napi::Value token_bytes(const Napi::CallbackInfo & info);
    Napi::Value create_context(const Napi::CallbackInfo & info);
    Napi::Value create_encoder(const Napi::CallbackInfo & info);
    Napi::Value calibrate(const Napi::CallbackInfo & info);
    void need_cpu(const char * what) const; // throws BAD_ARGUMENT for a model on a GPU
};

struct sequence_object : native_object<sequence_object, sequence> {
    using native_object::native_object;
    static constexpr const char * CLASS = "NativeContext";
    static constexpr const char * WHAT = "the context";
    static std::vector<Napi::ClassPropertyDescriptor<sequence_object>> methods();
    static int64_t reported(const sequence & s) { return s.bytes_reserved(); }

private:
    Napi::Value generate(const Napi::CallbackInfo & info);
    Napi::Value measure(const Napi::CallbackInfo & info);
    Napi::Value usage(const Napi::CallbackInfo & info);
    Napi::Value clear(const Napi::CallbackInfo & info);
};

struct encoder_object : native_object<encoder_object, chunk_encoder> {
    using native_object::native_object;
    static constexpr const char * CLASS = "NativeEncoder";
    static constexpr const char * WHAT = "the encoder";
    static std::vector<Napi::ClassPropertyDescriptor<encoder_object>> methods();
    static int64_t reported(const chunk_encoder & e) { return e.bytes_reserved(); }

private:
    Napi::Value encode(const Napi::CallbackInfo & info);
    Napi::Value open(const Napi::CallbackInfo & info);
};

struct chunk_object : native_object<chunk_object, kv_chunk> {
    using native_object::native_object;
    static constexpr const char * CLASS = "NativeChunk";
    static constexpr const char * WHAT = "a chunk";
    static std::vector<Napi::ClassPropertyDescriptor<chunk_object>> methods();
    static int64_t reported(const kv_chunk & c) { return c.fast_bytes(); }
    static Napi::Object with_properties(Napi::Env env, const std::shared_ptr<kv_chunk> & c);

private:
    Napi::Value is_intact(const Napi::CallbackInfo & info);
};

Napi::Object model_info_to_js(Napi::Env env, const gguf_file & file, const model_hparams & hp, const model_summary & s, const vocab & words);

// The `repository` of a request; nullptr where there is none. throws BAD_ARGUMENT, DISPOSED
std::shared_ptr<const chunk_set> chunks_of(const Napi::Object & o);

// What other sources that are linked into an addon add to its surface when it is loaded. None in the addon that ships.
using addon_part = void (*)(Napi::Env env, Napi::Object exports);
std::vector<addon_part> & addon_parts();
