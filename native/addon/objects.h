#pragma once

// The classes of the addon's surface. Each holds a native object until dispose() or the garbage collector.

#include "addon/task.h"
#include "engine/encoder.h"
#include "model/model.h"
#include "model/reference.h"

#include <napi.h>

#include <memory>

Napi::Object model_info_to_js(Napi::Env env, const gguf_file & file, const model_hparams & hp, const model_summary & s, const vocab & words);

struct model_object : Napi::ObjectWrap<model_object> {
    static Napi::Function define(Napi::Env env);
    static Napi::Value    make(Napi::Env env, std::shared_ptr<model> m);
    explicit model_object(const Napi::CallbackInfo & info);
    ~model_object() override;

private:
    std::shared_ptr<model> m;
    Napi::Value info(const Napi::CallbackInfo & info);
    Napi::Value tokenize(const Napi::CallbackInfo & info);
    Napi::Value token_bytes(const Napi::CallbackInfo & info);
    Napi::Value create_context(const Napi::CallbackInfo & info);
    Napi::Value create_encoder(const Napi::CallbackInfo & info);
    Napi::Value calibrate(const Napi::CallbackInfo & info);
    Napi::Value dispose(const Napi::CallbackInfo & info);
    model & alive() const; // throws DISPOSED
    void need_cpu(const char * what) const; // throws BAD_ARGUMENT for a model on a GPU
    void release(Napi::Env env);
};

struct context_object : Napi::ObjectWrap<context_object> {
    static Napi::Function define(Napi::Env env);
    static Napi::Value    make(Napi::Env env, std::shared_ptr<sequence> c);
    explicit context_object(const Napi::CallbackInfo & info);
    ~context_object() override;

private:
    std::shared_ptr<sequence> c;
    Napi::Value generate(const Napi::CallbackInfo & info);
    Napi::Value evaluate(const Napi::CallbackInfo & info);
    Napi::Value time_steps(const Napi::CallbackInfo & info);
    Napi::Value measure(const Napi::CallbackInfo & info);
    Napi::Value usage(const Napi::CallbackInfo & info);
    Napi::Value clear(const Napi::CallbackInfo & info);
    Napi::Value dispose(const Napi::CallbackInfo & info);
    const std::shared_ptr<sequence> & alive() const; // throws DISPOSED
    void release(Napi::Env env);
};

struct encoder_object : Napi::ObjectWrap<encoder_object> {
    static Napi::Function define(Napi::Env env);
    static Napi::Value    make(Napi::Env env, std::shared_ptr<chunk_encoder> e);
    explicit encoder_object(const Napi::CallbackInfo & info);
    ~encoder_object() override;

private:
    std::shared_ptr<chunk_encoder> e;
    Napi::Value encode(const Napi::CallbackInfo & info);
    Napi::Value open(const Napi::CallbackInfo & info);
    Napi::Value dispose(const Napi::CallbackInfo & info);
    const std::shared_ptr<chunk_encoder> & alive() const; // throws DISPOSED
    void release(Napi::Env env);
};

struct chunk_object : Napi::ObjectWrap<chunk_object> {
    static Napi::Function define(Napi::Env env);
    static Napi::Value    make(Napi::Env env, std::shared_ptr<kv_chunk> c);
    // throws BAD_ARGUMENT, DISPOSED
    static std::shared_ptr<const kv_chunk> of(const Napi::Value & v);
    explicit chunk_object(const Napi::CallbackInfo & info);
    ~chunk_object() override;

private:
    std::shared_ptr<kv_chunk> c;
    int64_t told = 0; // bytes that V8 knows of
    Napi::Value is_intact(const Napi::CallbackInfo & info);
    Napi::Value dispose(const Napi::CallbackInfo & info);
    void release(Napi::Env env);
};

// The `repository` of a request; nullptr where there is none. throws BAD_ARGUMENT
std::shared_ptr<const kv_repository> repository_of(const Napi::Object & o);

struct reference_object : Napi::ObjectWrap<reference_object> {
    static Napi::Function define(Napi::Env env);
    static Napi::Value    make(Napi::Env env, std::shared_ptr<reference> r);
    explicit reference_object(const Napi::CallbackInfo & info);

private:
    std::shared_ptr<reference> r;
    const std::shared_ptr<reference> & alive() const; // throws DISPOSED
    Napi::Value evaluate(const Napi::CallbackInfo & info);
    Napi::Value time_steps(const Napi::CallbackInfo & info);
    Napi::Value time_prefill(const Napi::CallbackInfo & info);
    Napi::Value dispose(const Napi::CallbackInfo & info);
};
