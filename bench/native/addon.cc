// What the laboratory adds to the addon's surface: bench/common/addon.ts says what each of these is. dist/native/bench-addon.node
// is made of the product's objects and those of this folder; it does not ship.

#include "addon/objects.h"
#include "addon/values.h"
#include "bench/native/evaluate.h"
#include "bench/native/reference.h"
#include "bench/native/synthetic.h"

#include <memory>
#include <string>
#include <utility>

namespace {

struct reference_object : native_object<reference_object, reference> {
    using native_object::native_object;
    static constexpr const char * CLASS = "NativeReference";
    static constexpr const char * WHAT = "the reference";
    static std::vector<Napi::ClassPropertyDescriptor<reference_object>> methods();
    static int64_t reported(const reference &) { return 0; }

private:
    Napi::Value evaluate(const Napi::CallbackInfo & info);
    Napi::Value time_steps(const Napi::CallbackInfo & info);
    Napi::Value time_prefill(const Napi::CallbackInfo & info);
};

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
            return [ms = std::move(ms)](Napi::Env env) { return numbers_to_js(env, ms); };
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

fasa_policy policy_of(const std::string & name) {
    static const std::pair<const char *, fasa_policy> policies[] = {
        { "fasa", POLICY_FASA },
        { "fasa-f16", POLICY_FASA_F16 },
        { "oracle", POLICY_ORACLE },
        { "paper", POLICY_PAPER },
        { "paper-kv", POLICY_PAPER_KV },
        { "quest", POLICY_QUEST },
        { "streaming", POLICY_STREAMING },
    };
    for (const auto & [known, policy] : policies) {
        if (name == known) {
            return policy;
        }
    }
    fail(ERROR_BAD_ARGUMENT, "there is no policy %s", name.c_str());
}

Napi::Value evaluate(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const Napi::Object o = object_at(info, 0);
        evaluate_params p;
        p.tokens = tokens_of(o.Get("tokens"), "tokens");
        p.from = int_of(o, "from", 0, INT32_MAX);
        p.stepwise = bool_of(o, "stepwise");
        p.attention = attention_of(o);
        p.chunks = chunks_of(o);
        p.policy = o.Get("policy").IsUndefined() ? POLICY_FASA : policy_of(string_of(o, "policy"));
        const std::shared_ptr<sequence> held = sequence_object::of(info.This());
        const int32_t priority = int_of(o, "priority", -1000, 1000, 0);
        return js_task::start(info.Env(), held.get(), priority, {}, [held, p = std::move(p)](worker_task & w, js_task &) -> js_task::make_result {
            const auto logits = std::make_shared<std::vector<float>>(sequence_evaluate(held, p, w.flags));
            return [logits](Napi::Env env) { return floats_to_js(env, *logits); };
        });
    });
}

Napi::Value timing_to_js(Napi::Env env, const timing_result & r) {
    Napi::Object o = Napi::Object::New(env);
    const auto set = [&](const char * key, double value) { o.Set(key, Napi::Number::New(env, value)); };
    o.Set("stepMs", numbers_to_js(env, r.step_ms));
    set("bytesReadPerToken", r.bytes_per_step);
    set("fasaSteps", r.n_fasa_steps);
    set("tipMs", r.tip_ms);
    set("selectionMs", r.selection_ms);
    set("facMs", r.fac_ms);
    return o;
}

Napi::Value time_steps(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const Napi::Object o = object_at(info, 0);
        timing_params p;
        p.tokens = tokens_of(o.Get("tokens"), "tokens");
        p.depth = int_of(o, "depth", 0, 1 << 24);
        p.n_steps = int_of(o, "steps", 1, 1 << 20);
        p.attention = attention_of(o);
        const std::shared_ptr<sequence> held = sequence_object::of(info.This());
        return js_task::start(info.Env(), held.get(), int_of(o, "priority", -1000, 1000, 0), {}, [held, p = std::move(p)](worker_task & w, js_task &) -> js_task::make_result {
            timing_result r = sequence_time_steps(*held, p, w.flags);
            return [r = std::move(r)](Napi::Env env) { return timing_to_js(env, r); };
        });
    });
}

Napi::Value load_reference(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const std::string path = path_of(info.Length() > 0 ? info[0] : info.Env().Undefined());
        const Napi::Object o = object_at(info, 1);
        reference_params p;
        p.n_ctx = int_of(o, "contextTokens", 1, 1 << 24);
        p.n_threads = int_of(o, "threads", 1, 256);
        p.q8_0_cache = o.Has("q8Cache") && bool_of(o, "q8Cache");
        p.flash = !o.Has("flashAttention") || bool_of(o, "flashAttention");
        return js_task::start(info.Env(), nullptr, 0, {}, [path, p](worker_task &, js_task &) -> js_task::make_result {
            const auto r = std::make_shared<reference>(path, p);
            return [r](Napi::Env env) { return reference_object::make(env, r); };
        });
    });
}

Napi::Value synthetic_to_js(Napi::Env env, const synthetic_result & r) {
    Napi::Object o = Napi::Object::New(env);
    const auto set = [&](const char * key, double value) { o.Set(key, Napi::Number::New(env, value)); };
    o.Set("flashMs", numbers_to_js(env, r.flash_ms));
    o.Set("exactMs", numbers_to_js(env, r.exact_ms));
    o.Set("fasaMs", numbers_to_js(env, r.fasa_ms));
    set("tipMs", r.tip_ms);
    set("selectionMs", r.selection_ms);
    set("facMs", r.fac_ms);
    set("denseBytes", (double) r.dense_bytes);
    set("fasaBytes", (double) r.fasa_bytes);
    return o;
}

Napi::Value time_attention(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const Napi::Object o = object_at(info, 0);
        synthetic_params p;
        p.head_size = int_of(o, "headSize", 2, 256);
        p.n_head_kv = int_of(o, "kvHeads", 1, 256);
        p.n_group = int_of(o, "group", 1, 32);
        p.depth = int_of(o, "depth", 1, 1 << 24);
        p.budget = int_of(o, "budget", 1, 1 << 24);
        p.n_dominant = int_of(o, "dominantFcs", 1, 128);
        p.n_threads = int_of(o, "threads", 1, 256);
        p.n_turns = int_of(o, "turns", 1, 1 << 16);
        return js_task::start(info.Env(), nullptr, 0, {}, [p](worker_task & w, js_task &) -> js_task::make_result {
            synthetic_result r = synthetic_time(p, w.flags.abort);
            return [r = std::move(r)](Napi::Env env) { return synthetic_to_js(env, r); };
        });
    });
}

void add_laboratory(Napi::Env env, Napi::Object exports) {
    reference_object::define(env);
    exports.Set("loadReference", Napi::Function::New(env, load_reference));
    exports.Set("timeAttention", Napi::Function::New(env, time_attention));
    Napi::Object context = sequence_object::prototype(env);
    context.Set("evaluate", Napi::Function::New(env, evaluate));
    context.Set("timeSteps", Napi::Function::New(env, time_steps));
}

// NOLINTNEXTLINE(bugprone-throwing-static-initialization): without memory for one pointer, the addon does not load
[[maybe_unused]] const bool added = (addon_parts().push_back(add_laboratory), true);

} // namespace
