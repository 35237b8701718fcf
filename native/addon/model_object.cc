#include "addon/objects.h"
#include "addon/values.h"
#include "engine/calibrate.h"
#include "engine/sequence.h"

#include <algorithm>
#include <cmath>

static void set_token(Napi::Object & o, const char * key, int32_t token) {
    o.Set(key, token < 0 ? o.Env().Undefined() : Napi::Number::New(o.Env(), token));
}

// As libllama knows them: by the ids of the metadata, and where it is silent, by their texts in the vocabulary. Files are
// inspected and loaded with the same answer, so nobody decides this a second time.
static Napi::Object special_tokens_to_js(Napi::Env env, const vocab & words) {
    Napi::Object o = Napi::Object::New(env);
    set_token(o, "bos", words.bos());
    set_token(o, "eos", words.eos());
    o.Set("addBos", Napi::Boolean::New(env, words.add_bos()));
    const std::vector<int32_t> ends = words.end_of_generation();
    o.Set("endOfGeneration", numbers_to_js(env, { ends.begin(), ends.end() }));
    const std::vector<int32_t> control = words.control();
    o.Set("control", numbers_to_js(env, { control.begin(), control.end() }));
    set_token(o, "fimPrefix", words.fim_prefix());
    set_token(o, "fimSuffix", words.fim_suffix());
    set_token(o, "fimMiddle", words.fim_middle());
    set_token(o, "fimRepository", words.fim_repository());
    set_token(o, "fimSeparator", words.fim_separator());
    return o;
}

Napi::Object model_info_to_js(Napi::Env env, const gguf_file & file, const model_hparams & hp, const model_summary & s, const vocab & words) {
    Napi::Object o = Napi::Object::New(env);
    const auto set_number = [&](const char * key, double value) { o.Set(key, Napi::Number::New(env, value)); };
    const auto set_string = [&](const char * key, const std::string & value) { o.Set(key, Napi::String::New(env, value)); };
    set_string("path", file.path);
    set_string("name", s.name);
    // what a converter wrote of the name's parts: shown names are made of them
    for (const auto & [key, name] : { std::pair { "basename", "baseName" }, { "size_label", "sizeLabel" }, { "finetune", "finetune" } }) {
        if (const auto part = file.find_string(std::string("general.") + key)) {
            set_string(name, *part);
        }
    }
    set_string("architecture", hp.arch);
    set_number("parameters", (double) s.parameters);
    set_string("quantization", s.quantization);
    set_number("bytes", (double) file.map.size);
    set_string("fingerprint", s.fingerprint);
    set_number("trainedContext", hp.n_ctx_train);
    set_number("layers", hp.n_layer);
    set_number("heads", hp.n_head);
    set_number("kvHeads", hp.n_head_kv);
    set_number("headSize", hp.head_size);
    set_number("embedding", hp.n_embd);
    set_number("vocabulary", hp.n_vocab);
    set_string("ropeLayout", hp.rope_type == GGML_ROPE_TYPE_NEOX ? "neox" : "norm");
    set_number("kvBytesPerToken", (double) hp.kv_bytes_per_token());
    const auto chat_template = file.find_string("tokenizer.chat_template");
    o.Set("chatTemplate", chat_template ? Napi::String::New(env, *chat_template) : env.Undefined());
    o.Set("tokens", special_tokens_to_js(env, words));
    return o;
}

std::vector<Napi::ClassPropertyDescriptor<model_object>> model_object::methods() {
    return {
        InstanceAccessor<&model_object::info>("info"),
        InstanceMethod<&model_object::tokenize>("tokenize"),
        InstanceMethod<&model_object::token_bytes>("tokenBytes"),
        InstanceMethod<&model_object::create_context>("createContext"),
        InstanceMethod<&model_object::create_encoder>("createEncoder"),
        InstanceMethod<&model_object::calibrate>("calibrate"),
    };
}

void model_object::need_cpu(const char * what) const {
    if (alive()->device) {
        fail(ERROR_BAD_ARGUMENT, "%s needs a model that is loaded without a device", what);
    }
}

Napi::Value model_object::info(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value { return model_info_to_js(info.Env(), alive()->file, held()->hp, held()->summary, held()->words); });
}

Napi::Value model_object::tokenize(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        if (info.Length() < 2 || !info[0].IsString() || !info[1].IsBoolean()) {
            fail(ERROR_BAD_ARGUMENT, "tokenize takes a text, and whether special tokens are parsed");
        }
        size_t length = 0; // in UTF-8, before it is copied
        napi_get_value_string_utf8(info.Env(), info[0], nullptr, 0, &length);
        if (length > VOCAB_MAX_TEXT) {
            fail(ERROR_TEXT_TOO_LONG, "a text of %zu bytes is too long to tokenize at once (at most %zu)", length, VOCAB_MAX_TEXT);
        }
        return tokens_to_js(info.Env(), alive()->words.tokenize(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::Boolean>().Value()));
    });
}

Napi::Value model_object::token_bytes(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const double token = info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1.0;
        if (!(token >= 0 && token <= INT32_MAX) || token != std::floor(token)) {
            fail(ERROR_BAD_ARGUMENT, "tokenBytes takes a token: a whole number that is not negative");
        }
        const std::string bytes = alive()->words.token_bytes((int32_t) token);
        Napi::Uint8Array out = Napi::Uint8Array::New(info.Env(), bytes.size());
        std::copy(bytes.begin(), bytes.end(), out.Data());
        return out;
    });
}

Napi::Value model_object::create_context(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        const std::shared_ptr<model> m = alive();
        const Napi::Object o = object_at(info, 0);
        sequence_params p;
        p.n_ctx = int_of(o, "contextTokens", 1, 1 << 24);
        p.n_threads = int_of(o, "threads", 1, 256);
        p.n_ubatch = int_of(o, "microBatch", 1, 4096, 512);
        const Napi::Value calib = o.Get("calibration");
        if (calib.IsObject()) {
            p.calib = calibration_of(calib.As<Napi::Object>());
        }
        const Napi::Value composition = o.Get("composition");
        if (composition.IsObject()) {
            const Napi::Object c = composition.As<Napi::Object>();
            p.composition = composition_params { int_of(c, "anchorTokens", 1, FASA_PAGE_TOKENS), int_of(c, "tailPosition", 1, 1 << 24) };
        }
        const bool rows_on_host = m->device && !o.Get("tier").IsUndefined() && string_of(o, "tier") == "fasa-m";
        return sequence_object::make(info.Env(), sequence::over(m, std::move(p), rows_on_host));
    });
}

Napi::Value model_object::create_encoder(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        need_cpu("the encoding of chunks");
        const Napi::Object o = object_at(info, 0);
        const std::string row_type = string_of(o, "rowType"), tier = string_of(o, "tier");
        if ((row_type != "f16" && row_type != "q8_0") || (tier != "fasa-c" && tier != "fasa-m")) {
            fail(ERROR_BAD_ARGUMENT, "rowType must be f16 or q8_0, and tier fasa-c or fasa-m");
        }
        const Napi::Value calib = o.Get("calibration");
        if (!calib.IsObject()) {
            fail(ERROR_BAD_CALIBRATION, "chunks need a calibration of this model");
        }
        encoder_params p;
        p.anchor = tokens_of(o.Get("anchor"), "anchor");
        p.n_threads = int_of(o, "threads", 1, 256);
        p.n_ubatch = int_of(o, "microBatch", 1, 4096, 128);
        p.n_chunk = int_of(o, "chunkTokens", 1, 1 << 20);
        p.calib = calibration_of(calib.As<Napi::Object>());
        p.row_type = row_type == "f16" ? KV_ROWS_F16 : KV_ROWS_Q8_0;
        p.in_memory = tier == "fasa-c";
        return encoder_object::make(info.Env(), std::make_shared<chunk_encoder>(alive(), std::move(p)));
    });
}

Napi::Value model_object::calibrate(const Napi::CallbackInfo & info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
        need_cpu("calibration");
        const Napi::Object o = object_at(info, 0);
        calibrate_params p;
        p.n_dominant = int_of(o, "dominantFcs", 1, 1024);
        p.n_threads = int_of(o, "threads", 1, 256);
        const Napi::Value documents = o.Get("documents");
        if (!documents.IsArray()) {
            fail(ERROR_BAD_ARGUMENT, "documents must be a list of token sequences");
        }
        for (uint32_t i = 0; i < documents.As<Napi::Array>().Length(); i++) {
            p.documents.push_back(tokens_of(documents.As<Napi::Array>().Get(i), "a document"));
        }
        const Napi::Value sums = o.Get("sums");
        if (!sums.IsUndefined()) {
            if (!sums.IsTypedArray() || sums.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
                fail(ERROR_BAD_ARGUMENT, "sums must be a Float64Array");
            }
            const Napi::Float64Array a = sums.As<Napi::Float64Array>();
            p.sums = std::make_shared<std::vector<double>>(a.Data(), a.Data() + a.ElementLength());
        }
        const int32_t priority = int_of(o, "priority", -1000, 1000, -1);
        return js_task::start(info.Env(), alive().get(), priority, { function_at(info, 1) }, [held = alive(), p = std::move(p)](worker_task & w, js_task & t) -> js_task::make_result {
            calibration c = calibrate_model(held, p, w.flags, [&t](double share) { t.call(0, { share }); });
            return [c = std::move(c), held, sums = p.sums](Napi::Env env) {
                Napi::Object o = calibration_to_js(env, c, held->hp.n_layer, held->hp.n_head_kv);
                if (sums) {
                    Napi::Float64Array a = Napi::Float64Array::New(env, sums->size());
                    std::copy(sums->begin(), sums->end(), a.Data());
                    o.Set("sums", a);
                }
                return o;
            };
        });
    });
}
